"""The app in a browser: `prune-tui web`, with textual-serve (the extra `web`).

For each page that is opened textual-serve runs the app as a process of its own and draws it in the page. Here
stands who may open one, and how the app is started for it.
"""
