"""What a person has settled once for all: a file of theirs, the environment, and the options of the command.

`table` says what there is to settle, `config_file` reads the file and knows the line of everything in it, and
`choosing` puts file, environment and options together: the later wins over the earlier. Nothing here needs torch
or Textual.
"""
