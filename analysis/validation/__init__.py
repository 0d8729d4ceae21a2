"""Directories of `mmsim validate`: published or measured series beside what the model says of them."""
