# options.jq: the command line, the environment, a config file and documents, judged by the schema in metadata.json ($doc).
# judge answers a document of flat options; command_line gives shell code that sets what the words of a command line mean.

def options: $doc.schema.properties;

# quoted shows a value in a message.
def quoted: tojson | if length > 80 then .[:77] + "…" else . end;

# distance counts the letters to add, remove or replace to make $b from $a.
def distance($a; $b): ($a | explode) as $a | ($b | explode) as $b
  | reduce range($a | length) as $i ([range(($b | length) + 1)];
      . as $above | reduce range($b | length) as $j ([$i + 1];
        . + [[.[-1] + 1, $above[$j + 1] + 1, $above[$j] + (if $a[$i] == $b[$j] then 0 else 1 end)] | min]))
  | .[-1];

# nearest continues a message about an unknown word by the known one that may be meant.
def nearest($prefix; $known): . as $word
  | if length > 40 then "; see du-source --help" else
      [$known[] | {word: ., distance: distance($word; .)}] | min_by(.distance)
      | if .distance <= 1 + ($word | length) / 4 then "; did you mean \($prefix)\(.word)?" else "; see du-source --help" end
    end;

# wrong says what an option's schema has against a value, if anything. Of a secret it shows nothing.
def wrong($o):
  def shown: if $o.writeOnly then "the value" else quoted end;
  def expect($kind; $words): if type == $kind then empty else "\(shown) is not \($words)" end;
  # The schema's anchors mean the ends of the text; here ^ and $ would mean those of a line.
  def matches: test($o.pattern | sub("\\A\\^"; "\\A") | sub("\\$\\z"; "\\z"));
  first(
    (if $o.type == "string" then expect("string"; "text")
     elif $o.type == "boolean" then expect("boolean"; "true or false")
     else expect("number"; "a whole number"), (if . == floor then empty else "\(shown) is not a whole number" end) end),
    (if $o.enum and (. as $value | $o.enum | any(. == $value) | not) then "\(shown) is not one of \($o.enum | join(", "))" else empty end),
    (if $o.minimum and . < $o.minimum then "\(shown) is less than \($o.minimum)" else empty end),
    (if $o.maximum and . > $o.maximum then "\(shown) is more than \($o.maximum)" else empty end),
    (if $o.minLength and length < $o.minLength then "must not be empty" else empty end),
    (if $o.maxLength and length > $o.maxLength then "\(shown) is longer than \($o.maxLength) characters" else empty end),
    (if $o.pattern and (matches | not) then "\(shown) is not \($o["x-form"])" else empty end));

# problems lists everything that is wrong with a document of flat options.
def problems: . as $given
  | (keys[] | select(in(options) | not) | {message: "unknown option \(quoted)\(nearest(""; options | keys))"}),
    (options | to_entries[] | .key as $name | .value as $o
      | if $name | in($given) then $given[$name] | wrong($o) | {option: $name, message: .}
        elif $doc.schema.required | any(. == $name) then
          {option: $name, message: "is required; give --\($name) \($o["x-placeholder"] // "VALUE"), or set \($o["x-env"])"}
        else empty end),
    (if .acks == true and (has("name") | not) then {option: "acks", message: "needs --name", semantic: true} else empty end);

# judge answers one line of validate --batch.
def judge:
  [(try (fromjson | if type == "object" then problems else {message: "a line holds one JSON object"} end)
    catch {message: "the line is no JSON"})] | {valid: (length == 0), problems: .};

# value turns text into what an option holds. Text that it cannot hold stays text, and wrong will say so.
def value($o): . as $text
  | if $o.type == "boolean" then (ascii_downcase
      | if IN("true", "yes", "1") then true elif IN("false", "no", "0") then false else $text end)
    elif $o.type == "integer" and test("\\A-?[0-9]{1,15}\\z") then tonumber else . end;

# words takes a command line apart.
def words: def next($n): .rest |= .[$n:];
  {rest: ., words: [], flags: [], problems: []}
  | until(.rest == []; .rest[0] as $word | .rest[1] as $after
    | ($word | split("=")) as $parts | ($parts[0] | ltrimstr("--")) as $name
    | (if $name | in(options) then options[$name].type
       else {"help": "boolean", "version": "boolean", "config": "string", "batch": "string"}[$name] end) as $type
    | if $word == "-h" then .flags += [["help", "true"]] | next(1)
      elif $word | startswith("--") | not then .words += [$word] | next(1)
      elif $type == null then
        .problems += ["unknown flag --\($name)\($name | nearest("--"; (options | keys) + ["help", "version", "config"]))"]
        | next(if ($parts | length) == 1 and $after != null and ($after | startswith("-") | not) then 2 else 1 end)
      elif $parts | length > 1 then .flags += [[$name, ($parts[1:] | join("="))]] | next(1)
      elif $type == "boolean" then .flags += [[$name, "true"]] | next(1)
      elif $after == null then .problems += ["--\($name): needs a value"] | next(1)
      else .flags += [[$name, $after]] | next(2) end);

# file gives the options that a config file holds, and what is wrong with its form.
def file($path; $contents): def refuse($message): .problems += ["\($path): \($message)"];
  def reference: capture("\\A\\$\\{(?<kind>env|file):(?<name>[^}]*)\\}\\z");
  if . == "" then {problems: [], options: {}} else
  (try fromjson catch "none") as $file
  | {problems: [], options: {}}
  | if ($file | type) != "object" then refuse("no JSON object; du-source reads config files in JSON only") else
    reduce ($file | to_entries[]) as {$key, $value} (.;
      if $key | IN("parameters", "secrets") then
        if $value | type != "object" then refuse("\($key) must be an object")
        else reduce ($value | to_entries[] | .key |= gsub("_"; "-")) as {key: $name, value: $v} (.;
          if $name | IN("name", "topic") then refuse("\($name) stands at the top of the file, not under \($key)")
          elif $name | in(options) | not then refuse("unknown option \($name | quoted)\($name | nearest(""; options | keys))")
          elif .options | has($name) then refuse("\($name) is given twice")
          elif $key == "secrets" and (options[$name].writeOnly | not) then refuse("\($name) is no secret; it stands under parameters")
          else .options[$name] = $v end) end
      elif $key | IN("name", "topic") then .options[$key] = $value
      elif $key == "type" then if $value == $doc.name then . else refuse("the file is for another connector than du-source") end
      elif $key == "version" then .
      elif $key == "transforms" then refuse("du-source has no transforms; pipe its output through jq")
      else refuse("unknown key \($key | quoted)\($key | nearest(""; ["name", "type", "version", "topic", "parameters", "secrets"]))") end)
    # References and escapes. What is referred to is text, and becomes what the option holds.
    | reduce (.options | to_entries[] | select(.value | type == "string")) as {$key, $value} (.;
        ([$value | reference] | first) as $r
        | if $r == null then .options[$key] = ($value | gsub("\\$\\$\\{"; "${"))
          else (if $r.kind == "env" then env[$r.name] else $contents[$r.name] end) as $text
            | if $text == null then .options |= del(.[$key]) | refuse("\($key): cannot read \($r.kind) \($r.name | quoted)")
              else .options[$key] = ($text | value(options[$key])) end end)
    end end;

# command_line reads words, each with a NUL behind it, and a dot: the path and text of the config file, how many files it
# refers to, their names and contents, then the command line.
def command_line: split("\u0000")[:-1] | .[0] as $path | .[1] as $text | (.[2] | tonumber) as $n
  | ([range($n) as $i | {key: .[3 + 2 * $i], value: .[4 + 2 * $i]}] | from_entries) as $contents
  | (.[3 + 2 * $n:] | words) as $line
  | ($text | file($path; $contents)) as $file
  | (reduce $line.flags[] as [$name, $text] ({}; .[$name] = $text)) as $flags
  | reduce (options | to_entries[]) as {key: $name, value: $o} ({};
      if $flags | has($name) then .[$name] = ($flags[$name] | value($o))
      elif (env[$o["x-env"]] // "") != "" then .[$name] = (env[$o["x-env"]] | value($o))
      elif $file.options | has($name) then .[$name] = $file.options[$name] else . end)
  | ($line.problems + $file.problems + [problems | (if .option then "--\(.option): " else "" end) + .message]) as $problems
  | with_entries(.value = (.value // false)) as $given
  | "command=\($line.words[0] // "run" | @sh) word=\($line.words[1] // "" | @sh) batch=\($flags.batch // "" | @sh)",
    "help=\($flags.help // "" | @sh) version=\($flags.version // "" | @sh)",
    "usage=(\([$line.problems[] | @sh] | join(" "))) problems=(\([$problems[] | @sh] | join(" ")))",
    "exposed=(\([options | to_entries[] | select(.value.writeOnly) | .key | select(in($flags)) | @sh] | join(" ")))",
    (options | to_entries[] | select(.value.type | IN("string", "boolean", "integer"))
      | "opt_\(.key | gsub("-"; "_"))=\($given[.key] // .value.default // "" | tostring | @sh)");

# help is what --help prints.
def help: "du-source: \($doc.description)", "", "Usage: du-source [COMMAND] [FLAGS]", "", "Commands:",
  ($doc.commands[] | "  \(.name)\(" " * (12 - (.name | length)))\(.description)"),
  (options | to_entries | group_by(.value["x-group"])[] | "", "\(.[0].value["x-group"]):",
    (.[] | "  --\(.key)\(if .value.type == "boolean" then "" else " " + (.value["x-placeholder"] // (.key | ascii_upcase)) end)",
      "      \(.value.description)\(if .value.default then " Default: \(.value.default)." else "" end) [$\(.value["x-env"])]")),
  "", "Other:", "  -h, --help", "      Show this.", "  --version", "      Show the version.",
  "  --config FILE", "      Config file, in JSON, to take options from.";

# version is what --version prints.
def version: "du-source \($doc.version)";

# completion is the script that completes flags and commands in a shell.
def completion($shell): ((options | keys) + ["help", "version", "config"]) as $flags | [$doc.commands[].name] as $commands
  | if $shell == "bash" then "complete -W '\($commands + ($flags | map("--" + .)) | join(" "))' du-source"
    elif $shell == "zsh" then "#compdef du-source", "compadd -- \($commands + ($flags | map("--" + .)) | join(" "))"
    else "complete -c du-source -f -n __fish_use_subcommand -a '\($commands | join(" "))'", ($flags[] | "complete -c du-source -l \(.)") end;
