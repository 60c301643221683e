"""The pages that the application serves, and the browser SDK: their sources, and `dist`, their
build.
"""
