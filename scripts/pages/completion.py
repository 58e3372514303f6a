"""Completion of the `edgenode` command for bash."""

from edgenode.cli.arguments.values import AUTO
from edgenode.core.records import TEMPERATURES
from scripts.pages.commands import Command, commands, metavar

# How a value of that name is completed: the arguments of compgen, "" for what cannot be guessed.
VALUES = {
    "FILE": "-f",
    "DIR": "-d",
    "ID": "",
    "EVENT": "",  # bash would take its colon for the end of a word
    "NODEID": "",
    "NAME": "",
    "DAYS": "",
    "ADDRESS": "",
    "DURATION": "",
    "CHANGE": '-W "rotate"',
    "LINE": "",
    "CLASS": f'-W "{" ".join([*TEMPERATURES, AUTO])}"',
}

_SCRIPT = """\
# bash completion for edgenode(1)

_edgenode()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' given=0 takes_value='' word i
    COMPREPLY=()
    # --option=value comes as three words
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    # the command, and how many arguments it has been given
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word != '=' ]] || continue
        if [[ $takes_value ]]; then
            takes_value=''
            continue
        fi
        case $word in
            %(valued)s) takes_value=yes ;;
            -?*) ;;
            *)
                case ${command:+$command }$word in
                    %(names)s) command=${command:+$command }$word ;;
                    *) ((given++)) ;;
                esac
                ;;
        esac
    done
    case $previous in
%(values)s
    esac
    if [[ $current == -* ]]; then
        case $command in
%(options)s
        esac
        return
    fi
    case $command in
%(arguments)s
    esac
}

# Each name that compgen prints is one word, spaces and all.
_edgenode_reply()
{
    local word=$1
    shift
    [[ $1 != -[fd] ]] || compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

complete -F _edgenode edgenode
"""


def completion() -> str:
    """Return the script."""
    found = commands()
    valued = {
        text: metavar(option)
        for command in found
        for option in command.options
        if metavar(option)
        for text in option.option_strings
    }
    return _SCRIPT % {
        "valued": " | ".join(valued),
        "names": " | ".join(f"'{command.name}'" for command in found if command.name),
        "values": "\n".join(
            f"        {text}) {_reply(VALUES[name])}; return ;;" for text, name in valued.items()
        ),
        "options": "\n".join(
            f"            '{command.name}') {_reply(_words(_spelled(command)))} ;;"
            for command in found
        ),
        "arguments": "\n".join(
            f"        '{command.name}') {_arguments(command)} ;;" for command in found
        ),
    }


def _arguments(command: Command) -> str:
    if command.commands:
        return _reply(_words(command.commands))
    if not command.arguments:
        return ":"
    cases = []
    for place, argument in enumerate(command.arguments):
        pattern = "*" if argument.nargs == "+" else str(place)
        cases.append(f"{pattern}) {_reply(VALUES[metavar(argument)])} ;;")
    return f"case $given in {' '.join(cases)} esac"


def _spelled(command: Command) -> list[str]:
    return [text for option in command.options for text in option.option_strings]


def _words(words: list[str]) -> str:
    return f'-W "{" ".join(words)}"'


def _reply(compgen: str) -> str:
    return f'_edgenode_reply "$current" {compgen}' if compgen else ":"
