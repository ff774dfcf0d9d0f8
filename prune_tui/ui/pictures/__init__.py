"""Pictures of tensors in text cells: pure functions from what the engine tells to lines of styled text.

A picture takes numbers, a size in cells and a `Look`, and returns one list of segments for each line. It knows no
widget and no app: the same call gives the same cells, which is what its golden tests compare. Colour never tells
anything alone: each state has a glyph of its own, in ASCII, too.
"""
