"""The parts of the screen, one widget in a file.

Each is given views of the model to draw and tells the app what was chosen.
"""
