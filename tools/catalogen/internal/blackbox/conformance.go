package blackbox

// The rules' ids, as the examiner reports them.
const (
	metadataDocument    = "metadata-document"
	metadataRules       = "metadata-rules"
	metadataQuiet       = "metadata-quiet"
	metadataSteady      = "metadata-steady"
	metadataWrites      = "metadata-writes-nothing"
	metadataNoInput     = "metadata-stdin-closed"
	metadataEnvironment = "metadata-environment"
	metadataReadOnly    = "metadata-read-only-folder"
	metadataOffline     = "metadata-offline"
	metadataDrafts      = "metadata-drafts"
	optionsValid        = "options-valid"
	optionsUnderstood   = "options-understood"
	batchVerdicts       = "batch-verdicts"
	schemaParity        = "schema-parity"
	semanticDeclared    = "semantic-declared"
	flagParity          = "flag-parity"
	environmentParity   = "environment-parity"
	configParity        = "config-parity"
	configSpelling      = "config-spelling"
	configSchema        = "config-schema"
	formerNames         = "former-names"
	unknownFlag         = "unknown-flag"
	unknownKey          = "unknown-key"
	helpOptions         = "help-options"
	helpEnvironment     = "help-environment"
	versionMatches      = "version-matches"
	completionOptions   = "completion-options"
	discoverUsage       = "discover-usage"
	discoverLines       = "discover-lines"
	discoverUnlisted    = "discover-unlisted"
	secretHidden        = "secret-hidden"
	runOnce             = "run-once"
	runWithoutBroker    = "run-without-broker"
	signalTerm          = "signal-term"
	signalInterrupt     = "signal-interrupt"
	linkHello           = "link-hello"
	linkFrames          = "link-frames"
	linkCredit          = "link-credit"
	linkResume          = "link-resume"
	linkSave            = "link-save"
	linkAnswers         = "link-answers"
	linkStop            = "link-stop"
	sdkCommands         = "sdk-commands"
	sdkOptions          = "sdk-options"
)

// Rules lists every rule in the order in which a report tells them.
var Rules = []Rule{
	{
		ID: metadataDocument, Profile: Core,
		Says: "`metadata` prints one JSON document on standard output, nothing else, and ends with status 0 within 10 s.",
		Fix:  "print the document and nothing else; need no input, no network and no required flag",
	},
	{
		ID: metadataRules, Profile: Core,
		Says: "The document keeps `catalog/schemas/metadata.json` and the catalog's named rules.",
		Fix:  "mend what the message names",
	},
	{
		ID: metadataQuiet, Profile: Core,
		Says: "`metadata` prints nothing on standard error.",
		Fix:  "log nothing before the command is known",
	},
	{
		ID: metadataSteady, Profile: Core,
		Says: "`metadata` prints the same bytes each time.",
		Fix:  "make the document depend on nothing but the program: no time, no random, no order of a map",
	},
	{
		ID: metadataWrites, Profile: Core,
		Says: "`metadata` writes nothing into its folder, its home or the temporary folder.",
		Fix:  "make files only when they are needed, which is in a run",
	},
	{
		ID: metadataNoInput, Profile: Core,
		Says: "`metadata` prints the same bytes when standard input is closed.",
		Fix:  "do not read standard input, nor fail for want of it",
	},
	{
		ID: metadataEnvironment, Profile: Core,
		Says: "`metadata` prints the same bytes whatever the environment holds: options, proxies, folders that are not there.",
		Fix:  "answer `metadata` before any variable is read",
	},
	{
		ID: metadataReadOnly, Profile: Core, Local: true,
		Says: "`metadata` prints the same bytes where it may write nowhere.",
		Fix:  "answer `metadata` before any file is made",
	},
	{
		ID: metadataOffline, Profile: Core, Local: true,
		Says: "`metadata` prints the same bytes without a network.",
		Fix:  "answer `metadata` before anything is connected or looked up",
	},
	{
		ID: metadataDrafts, Profile: SDK,
		Says: "The schema says the same in draft 2020-12, by `metadata --draft 2020-12`.",
		Fix:  "write both drafts from one model",
	},
	{
		ID: optionsValid, Profile: Core,
		Says: "There is a set of options that the schema and the program accept.",
		Fix:  "give the metadata an example that is complete",
	},
	{
		ID: optionsUnderstood, Profile: Core,
		Says: "Of each kind of option a value is known that the program understands.",
		Fix:  "give the schema of such an option examples or a default",
	},
	{
		ID: batchVerdicts, Profile: Core,
		Says: "`validate --batch -` answers each line with one verdict.",
		Fix:  `answer {"valid": true}, or {"valid": false, "problems": [{"option": …, "message": …}]}, once a line`,
	},
	{
		ID: schemaParity, Profile: Core,
		Says: "The schema and the parser accept the same documents.",
		Fix:  "make both accept the same values, or mark the problem as semantic",
	},
	{
		ID: semanticDeclared, Profile: Core,
		Says: "Semantic problems are announced by `semantic_checks` in the metadata.",
		Fix:  "list in semantic_checks what the schema cannot say",
	},
	{
		ID: flagParity, Profile: Core,
		Says: "Flags accept what documents accept.",
		Fix:  "let one parser judge values, wherever they come from",
	},
	{
		ID: environmentParity, Profile: Core,
		Says: "Environment variables accept what documents accept.",
		Fix:  "let one parser judge values, wherever they come from",
	},
	{
		ID: configParity, Profile: Core,
		Says: "Config files (`--config`, JSON at least) accept what documents accept.",
		Fix:  "let one parser judge values, wherever they come from",
	},
	{
		ID: configSpelling, Profile: Core,
		Says: "Config files take keys with underscores, and secrets under `secrets`.",
		Fix:  "read `_` in a key as `-`, and the map `secrets` like `parameters`",
	},
	{
		ID: configSchema, Profile: Core,
		Says: "The schema of the config file that the catalog derives agrees with that of the options.",
		Fix:  "keep what options refer to under `definitions`",
	},
	{
		ID: formerNames, Profile: Core,
		Says: "An option is taken by each of its former names (`x-aliases`): by the schema, as a flag, as a variable and in a config file.",
		Fix:  "read the former name wherever the present one is read, and let the schema admit it in `patternProperties`",
	},
	{
		ID: unknownFlag, Profile: Core,
		Says: "An unknown flag ends with status 2 and names the nearest.",
		Fix:  "say `did you mean --…?` and end with status 2",
	},
	{
		ID: unknownKey, Profile: Core,
		Says: "An unknown key of a config file ends with status 2 and names the nearest.",
		Fix:  "say `did you mean …?` and end with status 2",
	},
	{
		ID: helpOptions, Profile: Core,
		Says: "`--help` ends with status 0 and shows exactly the options of the schema.",
		Fix:  "make help from the schema, or both from one list",
	},
	{
		ID: helpEnvironment, Profile: Core,
		Says: "`--help` shows the environment variable of each option.",
		Fix:  "show the option's `x-env`",
	},
	{
		ID: versionMatches, Profile: Core,
		Says: "`--version` ends with status 0 and shows the version of the metadata.",
		Fix:  "print the version from where the metadata has it",
	},
	{
		ID: completionOptions, Profile: Core,
		Says: "`completion bash`, `zsh` and `fish` know every flag, where the metadata lists the command.",
		Fix:  "make completions from the schema, or both from one list",
	},
	{
		ID: discoverUsage, Profile: Core,
		Says: "Where the metadata lists `discover`, `--help` tells of it, and a bad value ends it with status 2 and a line that names the option.",
		Fix:  "check the options of `discover` as those of a run, before anything is connected",
	},
	{
		ID: discoverLines, Profile: Core,
		Says: "`discover` prints JSON objects, one a line: a `name` of its own, and `options` that are the connector's, no secrets, and with those given make a run. It ends with 1, and prints none, where its system is not there.",
		Fix:  "print when all of it is found, and put under `options` what a config file would say of it",
	},
	{
		ID: discoverUnlisted, Profile: Core,
		Says: "Where the metadata does not list `discover`, the word ends with status 2.",
		Fix:  "list the command, or refuse a word that is none",
	},
	{
		ID: secretHidden, Profile: Core,
		Says: "The value of a secret option never comes out: in no message, log or help, and in no disguise.",
		Fix:  "print no value of a secret, nor of anything that may be one",
	},
	{
		ID: runOnce, Profile: Core,
		Says: "`run --once` over standard input and output ends with 0, or with 1 where its system is not there.",
		Fix:  "0 is success, 1 a failure, 2 wrong usage",
	},
	{
		ID: runWithoutBroker, Profile: SDK,
		Says: "`run --once` ends with 1 where its broker is not there.",
		Fix:  "0 is success, 1 a failure, 2 wrong usage",
	},
	{
		ID: signalTerm, Profile: Core,
		Says: "SIGTERM ends a run with status 0, within 10 s.",
		Fix:  "stop reading, wait for answers, end with status 0: in Go, give ctx to all that waits",
	},
	{
		ID: signalInterrupt, Profile: Core,
		Says: "SIGINT ends a run with status 0, within 10 s.",
		Fix:  "stop reading, wait for answers, end with status 0: in Go, give ctx to all that waits",
	},
	{
		ID: linkHello, Profile: Core,
		Says: "The first line of the link is `{\"link\":N}`, and does not wait for the driver's.",
		Fix:  "write it before anything is read or connected",
	},
	{
		ID: linkFrames, Profile: Core,
		Says: "Every line of the link is a frame that the connector may send, and nothing else stands there.",
		Fix:  "print what is no frame on standard error",
	},
	{
		ID: linkCredit, Profile: Core,
		Says: "A source has at most as many records unanswered as it has credit for.",
		Fix:  "count records that are sent and not answered",
	},
	{
		ID: linkResume, Profile: Core,
		Says: "A source sends no record before `resume`, and none again that was saved.",
		Fix:  "wait for `resume`, and start after the position in it",
	},
	{
		ID: linkSave, Profile: Core,
		Says: "A source saves a position only after all records up to it are answered, and before it ends.",
		Fix:  "send `save` when the driver has acknowledged, and wait for `saved`",
	},
	{
		ID: linkAnswers, Profile: Core,
		Says: "A sink answers every record that it was given, and nothing else.",
		Fix:  "send `ack` or `nack` with the line of each record",
	},
	{
		ID: linkStop, Profile: Core,
		Says: "`stop` ends a run with status 0, within 10 s.",
		Fix:  "read nothing new, wait for answers, save, end with status 0",
	},
	{
		ID: sdkCommands, Profile: SDK,
		Says: "The metadata lists the commands of package common.",
		Fix:  "build the connector on package common",
	},
	{
		ID: sdkOptions, Profile: SDK,
		Says: "The schema holds the options that all connectors share, marked `x-shared`.",
		Fix:  "build the connector on package common",
	},
}
