"""The screen: what a person sees of a model and does to it. It imports Textual, never torch or the engine.

Everything it knows of the model came through the protocol as plain numbers and strings.
"""
