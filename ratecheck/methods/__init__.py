"""Methods: how the model moves when a gradient arrives. One file a method."""
