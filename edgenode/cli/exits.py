"""Exit codes of the `edgenode` command, and the error that ends it with one."""

OK = 0
FAILED = 1
USAGE = 2
NOT_RUNNING = 3
NOT_FOUND = 4
NOT_PERMITTED = 5
BAD_CONFIG = 6
WARNINGS = 7
INTERRUPTED = 130
BROKEN_PIPE = 141

HELP = """\
exit codes:
  0    done
  1    failed; standard error says why
  2    wrong use of the command
  3    the node is not running
  4    no such block
  5    not permitted: the operator's token cannot be read, or was refused
  6    the configuration is wrong
  7    doctor: something could be better, and nothing is broken
  130  interrupted (Ctrl-C)
  141  whoever read the output went away"""


class CommandFailed(Exception):
    """Ends the command: one line for people, and the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
