"""Controllers: `survey` is the default, `classic` the original rule, `governing` the one for worlds at work.

`steady` has their statistics, `knee` and `binding` say what limits a container, `reasons` puts it into words.
"""
