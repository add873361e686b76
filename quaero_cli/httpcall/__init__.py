"""One HTTP request of a step, and what is expected of its answer.

`call` makes the request (with the crawler's loop around libcurl), `expect` judges the answer. Neither knows a step;
the step type `http` joins them.
"""
