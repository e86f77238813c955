"""Planted lies: wrong versions of methods, stepsizes, bounds and more, each with the checks that must catch it.

Every module here that has a tuple MUTANTS is a table of one kind of lie; ``kernels`` and ``rules`` have
the files that the lies about methods and stepsizes bring along, as a user would.
"""
