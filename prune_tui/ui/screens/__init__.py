"""The screens: the main one with its panes, and those that lie over it for a moment.

They wire widgets together; what a widget draws it draws itself.
"""
