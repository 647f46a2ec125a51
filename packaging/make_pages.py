#!/usr/bin/env python3
"""The manual page of a program and its completions for bash, zsh and fish, from what it prints when asked for help.

    make_pages.py PROGRAM DIR     DIR becomes the `share` of a package: man/man1/, bash-completion/, zsh/, fish/

So none of them can say anything else than -help does. Subcommands are asked for theirs.
"""
import dataclasses
import gzip
import os
import pathlib
import re
import subprocess
import sys


@dataclasses.dataclass
class Option:
    names: list  # such as --help, -h
    value: str  # TEXT, INT; empty: none
    text: str


@dataclasses.dataclass
class Help:
    words: list  # the program, and its subcommand
    about: str
    usage: str
    positionals: list  # pairs: name and kind, text
    options: list
    commands: dict  # name: Help
    footer: list  # paragraphs


def ask(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.rstrip("\n")


def entries(lines):
    """Pairs of what a line of a section begins with, and its text, which may go on."""
    found = []
    for line in lines:
        match = re.match(r"  (\S.*?)(?:  +(.*))?$", line)
        if match:
            found.append([match[1], match[2] or ""])
        elif found and line.strip():
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
    return found


def read_help(program, *words):
    text = ask(program, *words, "--help")
    sections = re.split(r"^(Usage|Options|Positionals|Subcommands):[ ]?", text, flags=re.M)
    parts = {"about": sections[0].strip()} | {name: body for name, body in zip(sections[1::2], sections[2::2])}
    last = sections[-1].split("\n\n")
    footer = [part.strip("\n") for part in last[1:]]
    for name in ("Options", "Positionals", "Subcommands", "Usage"):
        parts[name] = parts.get(name, "").split("\n\n")[0]
    options = []
    for head, said in entries(parts["Options"].splitlines()):
        names, _, value = head.partition(" ")
        names = sorted(names.split(","), key=len, reverse=True)
        options.append(Option(names, value.split(":")[0].split(" ")[0], said))
    commands = {name: read_help(program, *words, name) for name, _ in entries(parts["Subcommands"].splitlines())}
    return Help([pathlib.Path(program).name, *words], parts["about"], parts["Usage"].strip(),
                entries(parts["Positionals"].splitlines()), options, commands, footer)


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def manual_options(page):
    out = []
    for name, said in page.positionals:
        out += [".TP", f"\\fI{roff(name.split(' ')[0])}\\fR", roff(said)]
    for option in page.options:
        value = f" \\fI{roff(option.value)}\\fR" if option.value else ""
        out += [".TP", ", ".join(f"\\fB{roff(name)}\\fR" for name in option.names) + value, roff(option.text)]
    return out


def notes(page):
    out = []
    for part in page.footer:
        out += [".PP", *([".nf", roff(part), ".fi"] if part.startswith("Example") else [roff(part)])]
    return out


def manual(page, version):
    name = page.words[0]
    out = [f'.TH {name.upper()} 1 "" "{version}" "Fiso"', ".SH NAME", f"{roff(name)} \\- {roff(page.about.rstrip('.'))}",
           ".SH SYNOPSIS", ".nf", roff(page.usage), ".fi", ".SH OPTIONS", *manual_options(page)]

    def subcommands(of, path):
        for word, help_ in of.commands.items():
            out.extend([f".SH {' '.join([*path, word]).upper()}", ".nf", roff(help_.usage), ".fi", ".PP", roff(help_.about),
                        *manual_options(help_), *notes(help_)])
            subcommands(help_, [*path, word])

    subcommands(page, [])
    if page.footer:
        out += [".SH NOTES", *notes(page)]
    return "\n".join(out) + "\n"


def each_command(page):
    """The words that lead to a command, and its help; the program itself first."""
    yield page.words[1:], page
    for help_ in page.commands.values():
        yield from each_command(help_)


def wants_file(option):
    return option.value == "TEXT" and re.search(r"config|module|dir|host|file|stdin|script|cases|python", option.names[0])


def bash(page):
    name = page.words[0]
    function = "_" + name.replace("-", "_")
    cases, files = [], set()
    for words, help_ in each_command(page):
        choices = [n for option in help_.options for n in option.names] + list(help_.commands)
        cases.append(f"    '{' '.join(words)}') choices='{' '.join(choices)}' ;;")
        files |= {n for option in help_.options if wants_file(option) for n in option.names}
    words = sorted({word for path, _ in each_command(page) for word in path})
    return f"""# bash completion of {name}; generated from its help, do not edit.
{function}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} path='' choices='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${{COMP_WORDS[i]}} in {'|'.join(words) or "''"}) path="$path${{path:+ }}${{COMP_WORDS[i]}}" ;; esac
  done
  case $path in
{chr(10).join(cases)}
  esac
  case ${{COMP_WORDS[COMP_CWORD - 1]}} in {'|'.join(sorted(files)) or "''"}) choices='' ;; esac
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
  if ((${{#COMPREPLY[@]}} == 0)); then compopt -o default; fi
}}
complete -F {function} {name}
"""


def zsh_text(text):
    return re.sub(r"(['\[\]:\\])", lambda match: {"'": "'\\''"}.get(match[1], "\\" + match[1]), text)


def zsh_arguments(help_):
    lines = []
    for option in help_.options:
        action = (":file:_files" if wants_file(option) else f":{option.value.lower()}:") if option.value else ""
        lines += [f"    '{name}[{zsh_text(option.text)}]{action}'" for name in option.names]
    return " \\\n".join(lines + ["    '*:file:_files'"])


def zsh(page):
    name = page.words[0]
    out = [f"#compdef {name}", f"# zsh completion of {name}; generated from its help, do not edit."]
    branches = []
    for words, help_ in reversed(list(each_command(page))):
        pattern = " ".join([name, *words])
        offer = f"    (( CURRENT == {len(words) + 2} )) && compadd {' '.join(help_.commands)}\n" if help_.commands else ""
        branches.append(f"  '{pattern} '*)\n{offer}    _arguments \\\n{zsh_arguments(help_)} ;;")
    return "\n".join(out + ['case "${words[*]} " in', *branches, "esac", ""])


def fish_text(text):
    return text.replace("\\", "\\\\").replace("'", "\\'")


def fish(page):
    name = page.words[0]
    out = [f"# fish completion of {name}; generated from its help, do not edit."]
    for words, help_ in each_command(page):
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in words) or \
            (f"not __fish_seen_subcommand_from {' '.join(help_.commands)}" if help_.commands else "")
        when = f" -n '{seen}'" if seen else ""
        for word, sub in help_.commands.items():
            out.append(f"complete -c {name}{when} -f -a {word} -d '{fish_text(sub.about)}'")
        for option in help_.options:
            kinds = "".join(f" -l {n[2:]}" if n.startswith("--") else f" -s {n[1:]}" for n in option.names)
            value = (" -r -F" if wants_file(option) else " -x") if option.value else ""
            out.append(f"complete -c {name}{when}{kinds}{value} -d '{fish_text(option.text)}'")
    return "\n".join(out) + "\n"


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main():
    program, share = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    page = read_help(program)
    name = page.words[0]
    version = ask(program, "--version")
    write(share / f"man/man1/{name}.1.gz", gzip.compress(manual(page, version).encode(), mtime=0))
    write(share / f"bash-completion/completions/{name}", bash(page).encode())
    write(share / f"zsh/vendor-completions/_{name}", zsh(page).encode())
    write(share / f"fish/vendor_completions.d/{name}.fish", fish(page).encode())


if __name__ == "__main__":
    main()
