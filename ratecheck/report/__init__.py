"""Draws the tables of a run: text, plots, one HTML page. Computes no statistic."""
