"""Configuration files of all trainers: read with positions, under our own option names, as subsets.

`files` reads a file, `command` a command line, `settings` maps keys to our options, `recognise`
says whose they are, `subsets` lists the folders of images and `steps` counts an epoch. Nothing in
a file is ever executed, and nothing is raised for what stands in one.
"""
