package change

// optionRules are about options: their flags, environment variables, config keys and schemas, which are one thing here.
var optionRules = []Rule{
	{
		ID: "option-removed", Bump: Major, Replay: Refuses,
		Title: "An option was removed",
		Explanation: "A command line, a config file or a host that sets the option is refused: an unknown option is an " +
			"error, never ignored.",
		Fix: "Keep the option and deprecate it; remove it after the day that the deprecation names.",
	},
	{
		ID: "option-renamed", Bump: Major, Replay: Refuses,
		Title: "An option was renamed without an alias",
		Explanation: "Whoever set the old name is refused. One option is gone, and one that is the same in all but its name, " +
			"description included, is new, so this is taken for a new name.",
		Fix: "Keep the old name as a former one: in Go, by the tag aliases:\"old-name\" on the option; in another program, in " +
			"x-aliases. Where both must be told apart, keep the old option, deprecated, with the new one as its replacement.",
	},
	{
		ID: "option-alias-removed", Bump: Major, Replay: Blind,
		Title: "An old name of an option is no longer accepted",
		Explanation: "The option still exists, but whoever set it by its old name is refused, or sets another option that has " +
			"the name now.",
		Fix: "Keep the alias until its users had time to change their configurations, and do not give its name to another option.",
	},
	{
		ID: "option-added-required", Bump: Major, Replay: Refuses,
		Title:       "An option was added and must be given",
		Explanation: "No configuration of the old version gives it, so each of them is refused.",
		Fix:         "Give the option a default, or make do without it where it is absent.",
	},
	{
		ID: "option-required", Bump: Major, Replay: Refuses,
		Title:       "An option must be given now",
		Explanation: "A configuration that left it out is refused.",
		Fix:         "Keep a default, or make do without the option where it is absent.",
	},
	{
		ID: "option-type-changed", Bump: Major, Replay: Refuses,
		Title:       "An option's type changed",
		Explanation: "A value of the old type is refused, or read as something else.",
		Fix:         "Add an option of another name for the new type, and deprecate this one.",
	},
	{
		ID: "option-pattern-changed", Bump: Major, Replay: Blind,
		Title: "An option's pattern was added or changed",
		Explanation: "Whether a pattern accepts all that another did is not computed: it counts as one that refuses " +
			"some value.",
		Fix: "If the new pattern accepts whatever the old one did, say so in a waiver.",
	},
	{
		ID: "option-enum-narrowed", Bump: Major, Replay: Refuses,
		Title: "A value of an option is no longer allowed",
		Explanation: "A configuration that sets the value is refused. The first list of allowed values counts too: " +
			"before it, all were.",
		Fix: "Keep the value, as another word for one that remains.",
	},
	{
		ID: "option-range-narrowed", Bump: Major, Replay: Refuses,
		Title:       "An option's range of numbers became narrower",
		Explanation: "A number between the old bound and the new one is refused.",
		Fix:         "Accept the old range, and use the nearest number that works.",
	},
	{
		ID: "option-length-narrowed", Bump: Major, Replay: Blind,
		Title: "An option's bounds of length became narrower",
		Explanation: "A text or a list that is shorter or longer than the new bounds is refused, unless something else " +
			"refused it before.",
		Fix: "Keep the old bounds.",
	},
	{
		ID: "option-constraint-changed", Bump: Major, Replay: Blind,
		Title:       "A part of an option's schema changed that no rule knows",
		Explanation: "What the keyword asks for is not computed, so it counts as one that refuses some value.",
		Fix:         "If the new schema accepts whatever the old one did, say so in a waiver.",
	},
	{
		ID: "option-default-changed", Bump: Major, Replay: Accepts,
		Title: "An option's default changed",
		Explanation: "Whoever did not set the option gets something else without having changed anything. A first " +
			"default and a last one count too.",
		Fix: "Keep the default and recommend the better value; change it together with other changes that break.",
	},
	{
		ID: "option-meaning-changed", Bump: Major, Replay: Accepts,
		Title: "An option's value means something else",
		Explanation: "The kind of text or the unit of the number is another, so the same value is understood in another " +
			"way.",
		Fix: "Add an option of another name for the new meaning, and deprecate this one.",
	},
	{
		ID: "option-secret-unmarked", Bump: Major, Replay: Accepts,
		Title:       "An option is no longer marked as a secret",
		Explanation: "What users gave in confidence is shown from now on: by hosts, in forms and in logs.",
		Fix:         "Keep the mark. If the value never was a secret, add an option of another name for it.",
	},
	{
		ID: "option-env-changed", Bump: Major, Replay: Accepts,
		Title:       "An option's environment variable has another name",
		Explanation: "The old variable is read no more, without a word: the option silently falls back to its default.",
		Fix:         "Keep the variable.",
	},
	{
		ID: "option-identity-changed", Bump: Major, Replay: Accepts,
		Title: "An option began or ceased to tell which system is meant, or has another oldest name",
		Explanation: "Saved positions belong to the values of such options, by the oldest name of each, which is the first " +
			"former one: a source that resumes refuses the state that the old version saved.",
		Fix: "Leave the mark as it is, and the oldest name first among the former ones. Else tell users to reset the state.",
	},
	{
		ID: "option-lifecycle-narrowed", Bump: Major, Replay: Accepts,
		Title:       "An option may be changed at fewer times than before",
		Explanation: "A host that changed it while the connector ran, or for one stream, cannot do so any more.",
		Fix:         "Keep the lifecycle class.",
	},
	{
		ID: "option-separator-changed", Bump: Major, Replay: Accepts,
		Title:       "The elements of a list option are separated in another way",
		Explanation: "The same flag or variable is read as other elements.",
		Fix:         "Keep the separator.",
	},
	{
		ID: "condition-added", Bump: Major, Replay: Blind,
		Title: "A condition on options was added or changed",
		Explanation: "Options that could be given together, or one without the other, may now be refused. Two options of which " +
			"one became a former name of the other cannot be given together either.",
		Fix: "If nothing that worked is refused, say so in a waiver.",
	},
	{
		ID: "option-renamed-with-alias", Bump: Minor, Replay: Accepts,
		Title:       "An option was renamed, and the old name is still accepted",
		Explanation: "Configurations work as before.",
		Fix:         "Say which name to use from now on.",
	},
	{
		ID: "option-added", Bump: Minor, Replay: Accepts,
		Title:       "An option was added",
		Explanation: "Configurations work as before. One that uses the option does not work with the old version.",
		Fix:         "Say what it is for.",
	},
	{
		ID: "option-not-required", Bump: Minor, Replay: Accepts,
		Title:       "An option need not be given any more",
		Explanation: "Configurations work as before.",
		Fix:         "Say what happens without it.",
	},
	{
		ID: "option-type-widened", Bump: Minor, Replay: Accepts,
		Title:       "An option accepts values of more types",
		Explanation: "Configurations work as before.",
		Fix:         "Say what the new type means.",
	},
	{
		ID: "option-pattern-removed", Bump: Minor, Replay: Accepts,
		Title:       "An option's pattern was removed",
		Explanation: "Configurations work as before, and more texts are accepted.",
		Fix:         "Look whether the connector still tells users of a value that cannot work.",
	},
	{
		ID: "option-enum-widened", Bump: Minor, Replay: Accepts,
		Title:       "An option allows more values",
		Explanation: "Configurations work as before.",
		Fix:         "Say what the new values mean.",
	},
	{
		ID: "option-range-widened", Bump: Minor, Replay: Accepts,
		Title:       "An option's range of numbers became wider",
		Explanation: "Configurations work as before.",
		Fix:         "Look whether the connector works at the new bound.",
	},
	{
		ID: "option-length-widened", Bump: Minor, Replay: Accepts,
		Title:       "An option's bounds of length became wider",
		Explanation: "Configurations work as before.",
		Fix:         "Look whether the connector works at the new bound.",
	},
	{
		ID: "condition-removed", Bump: Minor, Replay: Accepts,
		Title:       "A condition on options was removed",
		Explanation: "Configurations work as before, and more combinations are accepted.",
		Fix:         "Say what the new combinations mean.",
	},
	{
		ID: "option-secret-marked", Bump: Minor, Replay: Accepts,
		Title:       "An option is marked as a secret",
		Explanation: "Configurations work as before. Hosts and forms keep the value hidden from now on.",
		Fix:         "Tell users that the value may stand in logs that older versions wrote.",
	},
	{
		ID: "option-lifecycle-widened", Bump: Minor, Replay: Accepts,
		Title:       "An option may be changed at more times than before",
		Explanation: "Configurations work as before.",
		Fix:         "Look whether the connector follows such a change.",
	},
	{
		ID: "option-visibility-changed", Bump: Minor, Replay: Accepts,
		Title:       "An option is hidden from help, or shown again",
		Explanation: "Configurations work as before. People find the option no more, or find it now.",
		Fix:         "To take an option out of use, deprecate it.",
	},
	{
		ID: "option-deprecated", Bump: Minor, Replay: Accepts,
		Title:       "An option was deprecated",
		Explanation: "Configurations work as before, until the day that the deprecation names.",
		Fix:         "Say what to use in its place.",
	},
	{
		ID: "option-undeprecated", Bump: Patch, Replay: Accepts,
		Title:       "An option is no longer deprecated",
		Explanation: "It stays, so nobody has to change anything.",
		Fix:         "Nothing.",
	},
	{
		ID: "option-text-changed", Bump: Patch, Replay: Accepts,
		Title:       "An option is told about in other words",
		Explanation: "Only its description, its group, its examples, its placeholder or the order of its former names is another.",
		Fix:         "Nothing.",
	},
}
