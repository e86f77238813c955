"""Schedulers: which deliveries count and who gets work next. One file a scheduler."""
