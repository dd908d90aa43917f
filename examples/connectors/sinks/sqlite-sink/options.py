# options.py: flags, environment, config file and documents, judged by the schema in metadata.json.
def shown(value):
    """Shows a value in a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"


def nearest(word, known, prefix=""):
    """Continues a message about an unknown word by the known one that may be meant."""
    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {prefix}{found[0]}?" if found else "; see sqlite-sink --help"


def wrong(option, value):
    """Says what an option's schema has against a value, if anything."""
    kind = option["type"]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "string" and not isinstance(value, str):
        return f"{shown(value)} is not text"
    if kind == "boolean" and not isinstance(value, bool):
        return f"{shown(value)} is not true or false"
    if kind == "integer" and not (number and value == value // 1):
        return f"{shown(value)} is not a whole number"
    if "enum" in option and value not in option["enum"]:
        return f"{shown(value)} is not one of {', '.join(option['enum'])}"
    if number and not option.get("minimum", value) <= value <= option.get("maximum", value):
        return f"{shown(value)} is not from {option['minimum']} to {option['maximum']}"
    if kind == "string":
        if not option.get("minLength", 0) <= len(value) <= option.get("maxLength", len(value)):
            return "must not be empty" if not value else f"{shown(value)} is longer than {option['maxLength']} characters"
        # Python's $ would let a newline follow.
        if "pattern" in option and not re.fullmatch(option["pattern"].strip("^$"), value):
            return f"{shown(value)} is not {option['x-form']}"
    return None


def problems(given):
    """Lists all that is wrong with a document of flat options."""
    if not isinstance(given, dict):
        return [{"message": "a line holds one JSON object"}]
    found = [{"message": f"unknown option {shown(k)}{nearest(k, OPTIONS)}"} for k in given if k not in OPTIONS]
    for name, option in OPTIONS.items():
        message = None
        if name in given:
            message = wrong(option, given[name])
        elif name in METADATA["schema"]["required"]:
            message = f"is required; give --{name} {option.get('x-placeholder', 'VALUE')}, or set {option['x-env']}"
        if message:
            found.append({"option": name, "message": message})
    if given.get("acks") is True and "name" not in given:
        found.append({"option": "acks", "message": "needs --name", "semantic": True})
    return found


def decode(text):
    """Reads JSON as it is defined: Python's reader takes NaN and Infinity too."""

    def refuse(word):
        raise ValueError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def judge(line):
    """Answers one line of validate --batch."""
    try:
        found = problems(decode(line))
    except (ValueError, RecursionError):
        found = [{"message": "the line is no JSON"}]
    return json.dumps({"valid": not found, "problems": found}, ensure_ascii=False)


def value(option, text):
    """Turns text into what an option holds. Text that it cannot hold stays text, and wrong says so."""
    if option["type"] == "boolean":
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower(), text)
    if option["type"] == "integer" and re.fullmatch("-?[0-9]{1,15}", text):
        return int(text)
    return text


def resolve(option, given):
    """Replaces a reference of a config file, ${env:NAME} or ${file:PATH}, and removes the escape of what is none."""
    if not isinstance(given, str):
        return given
    reference = re.fullmatch(r"\$\{(env|file):([^}]*)\}", given)
    if not reference:
        return given.replace("$${", "${")
    if reference[1] == "env":
        return value(option, os.environ[reference[2]])
    with open(reference[2], encoding="utf-8") as f:
        return value(option, f.read().removesuffix("\n"))


def config_file(path):
    """Gives the options that a config file holds, and what is wrong with its form."""
    try:
        with open(path, encoding="utf-8") as f:
            document = decode(f.read())
        if not isinstance(document, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as e:
        return {}, [f"{path}: {e}; sqlite-sink reads config files in JSON only"]
    given, found = {}, []
    for key, content in document.items():
        if key in ("name", "topic"):
            given[key] = content
        elif key in ("parameters", "secrets") and isinstance(content, dict):
            for name, v in content.items():
                name = name.replace("_", "-")
                if name in ("name", "topic"):
                    found.append(f"{path}: {name} stands at the top of the file, not under {key}")
                elif name not in OPTIONS:
                    found.append(f"{path}: unknown option {shown(name)}{nearest(name, OPTIONS)}")
                elif name in given or key == "secrets":
                    found.append(f"{path}: {name} is given twice, or is no secret")
                else:
                    given[name] = v
        elif key == "type" and content != METADATA["name"]:
            found.append(f"{path}: the file is for another connector than sqlite-sink")
        elif key not in ("type", "version"):
            found.append(f"{path}: {shown(key)} cannot stand here{nearest(key, ['name', 'type', 'version', 'topic', 'parameters'])}")
    for name in list(given):
        try:
            given[name] = resolve(OPTIONS[name], given[name])
        except (KeyError, OSError, UnicodeDecodeError):
            found.append(f"{path}: {name}: cannot read {shown(given.pop(name))}")
    return given, found


def command_line(args):
    """Returns the words, the flags that are no options, the options with those of file and environment, and all problems."""
    words, other, flags, found = [], {}, {}, []
    while args:
        word, *args = args
        if word == "-h":
            word = "--help"
        if not word.startswith("--"):
            words.append(word)
            continue
        name, given, text = word[2:].partition("=")
        if name in OPTIONS:
            boolean = OPTIONS[name]["type"] == "boolean"
        elif name in ("help", "version", "config", "batch"):
            boolean = name in ("help", "version")
        else:
            found.append(f"unknown flag --{name}{nearest(name, [*OPTIONS, 'help', 'version', 'config'], '--')}")
            continue
        if not given and boolean:
            text = "true"
        elif not given and not args:
            found.append(f"--{name}: needs a value")
        elif not given:
            text, *args = args
        if name in OPTIONS:
            flags[name] = value(OPTIONS[name], text)
        else:
            other[name] = text
    options, in_file = config_file(other["config"]) if "config" in other else ({}, [])
    for name, option in OPTIONS.items():
        if os.environ.get(option["x-env"]):
            options[name] = value(option, os.environ[option["x-env"]])
    options.update(flags)
    found += in_file + [f"--{p['option']}: {p['message']}" if "option" in p else p["message"] for p in problems(options)]
    return words, other, options, found


def usage():
    """Is what --help prints."""
    print(f"sqlite-sink: {METADATA['description']}\n\nUsage: sqlite-sink [COMMAND] [FLAGS]\n\nCommands:")
    for command in METADATA["commands"]:
        print(f"  {command['name']:12}{command['description']}")
    group = ""
    for name, option in OPTIONS.items():
        if option["x-group"] != group:
            group = option["x-group"]
            print(f"\n{group}:")
        placeholder = "" if option["type"] == "boolean" else " " + option.get("x-placeholder", name.upper())
        default = f" Default: {option['default']}." if option.get("default") else ""
        print(f"  --{name}{placeholder}\n      {option['description']}{default} [${option['x-env']}]")
    print("\nOther:\n  -h, --help\n      Show this.\n  --version\n      Show the version.")
    print("  --config FILE\n      Config file, in JSON, to take options from.")


def completion(shell):
    """Prints the script that completes flags and commands in a shell."""
    flags = ["--" + name for name in [*OPTIONS, "help", "version", "config"]]
    words = " ".join([c["name"] for c in METADATA["commands"]] + flags)
    if shell == "bash":
        print(f"complete -W '{words}' sqlite-sink")
    elif shell == "zsh":
        print(f"#compdef sqlite-sink\ncompadd -- {words}")
    else:
        print("\n".join(f"complete -c sqlite-sink -l {flag[2:]}" for flag in flags))
