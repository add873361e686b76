"""Parts of the step type `python`, each usable by itself:

load      "package.module:function" or "file.py:function" -> the function
arguments a table of arguments -> keyword arguments, checked against the function's signature
capture   the standard logging of what runs in a step -> the step's log
thread    a function that is not async, in a thread, with a context it can use there
"""
