"""Words on the command line: one stage call each. The only room that prints."""
