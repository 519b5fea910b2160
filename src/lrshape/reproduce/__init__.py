"""The experiments of arXiv:2603.10301 as data, with our own settings: `lrshape reproduce`."""
