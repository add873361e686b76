"""Job definition files: TOML text in, a checked, frozen definition out; and what fills it when a job starts.

Pure: the standard library, `errors` and `model`, no event loop, no environment. The files, in the order in which
they use one another::

    model         the records: what a definition and a step type are
    place         where in a file something stands, and how an error about it is worded
    source        bytes -> guarded TOML document
    durations     "2h30m" -> seconds
    values        does a value fit an option's declaration
    table         typed look at one TOML table
    keys          which keys exist
    parameters    declared parameters and the values given for them
    declare       [params.X] tables
    secretsources [secrets]: where values come from, and the values when a job starts
    cron          cron expressions and time zones
    scheduled     the keys that start a job by themselves
    graph         what depends on what
    shellwords    where in a shell line a value may stand, and how it is quoted there
    placeholders  {params.X} and its kin: checked at load, filled at run
    ready         a service's `ready`
    retries       a step's `retries`
    foreach       a step's `for_each`
    hooks         what happens when a job has ended
    steps         [step.NAME] tables
    load          the whole file
    schema        the format as a JSON Schema
    scaffold      new definitions to begin with
    find          definitions by their id, over folders

A definition is checked whole when it is loaded: nothing is ignored, and nothing is read that does not work.
"""
