package change

// documentRules are about all that a document says beside options. Old configurations are accepted whatever becomes of it.
var documentRules = []Rule{
	{
		ID: "direction-changed", Bump: Major, Replay: Accepts,
		Title:       "A source became a sink, or a sink a source",
		Explanation: "Nothing that used the connector can go on using it.",
		Fix:         "Make another connector, and retire this one.",
	},
	{
		ID: "command-removed", Bump: Major, Replay: Accepts,
		Title:       "A command was removed",
		Explanation: "A script or a host that calls it fails.",
		Fix:         "Keep the command.",
	},
	{
		ID: "status-removed", Bump: Major, Replay: Accepts,
		Title:       "An exit status was removed",
		Explanation: "What ended with this status ends with another, and what waits for it is misled.",
		Fix:         "Keep the status.",
	},
	{
		ID: "guarantee-weakened", Bump: Major, Replay: Accepts,
		Title:       "Delivery promises less",
		Explanation: "Records may be lost, or delivered twice, that were not before.",
		Fix:         "Keep the guarantee, or make the weaker one a choice by an option.",
	},
	{
		ID: "resuming-removed", Bump: Major, Replay: Accepts,
		Title:       "A source no longer continues where it stopped",
		Explanation: "After a restart it begins anew, or loses what came in between.",
		Fix:         "Keep saving positions.",
	},
	{
		ID: "positions-recur", Bump: Major, Replay: Accepts,
		Title:       "The same position may now name different records",
		Explanation: "Ids of records are no longer derived from positions, so duplicates are not recognised by them.",
		Fix:         "Choose positions that never recur.",
	},
	{
		ID: "record-dropped", Bump: Major, Replay: Accepts,
		Title:       "The record contract was removed",
		Explanation: "Nothing is promised of records any more.",
		Fix:         "Keep the contract.",
	},
	{
		ID: "record-field-removed", Bump: Major, Replay: Accepts,
		Title:       "A field of records was removed",
		Explanation: "A source's readers miss it; a sink ignores or refuses what it took before.",
		Fix:         "Keep the field.",
	},
	{
		ID: "record-field-retyped", Bump: Major, Replay: Accepts,
		Title:       "A field of records has another type",
		Explanation: "A source's readers cannot read it; a sink refuses what it took before.",
		Fix:         "Add a field of another name for the new type.",
	},
	{
		ID: "record-field-demanded", Bump: Major, Replay: Accepts,
		Title:       "A sink demands a field of records",
		Explanation: "Records that lack it were taken before and are refused now.",
		Fix:         "Make do without the field where it is absent.",
	},
	{
		ID: "record-field-unsure", Bump: Major, Replay: Accepts,
		Title:       "A source may leave out a field of records",
		Explanation: "A reader that relies on the field fails where it is absent.",
		Fix:         "Keep writing the field.",
	},
	{
		ID: "record-constraint-changed", Bump: Major, Replay: Accepts,
		Title: "A part of the record contract changed that no rule knows",
		Explanation: "What the keyword asks for is not computed, so it counts as one that breaks a reader or refuses a " +
			"record.",
		Fix: "If all records and all readers still fit, say so in a waiver.",
	},
	{
		ID: "stability-lowered", Bump: Major, Replay: Accepts,
		Title:       "The connector promises less stability",
		Explanation: "Whoever chose it for its stability has to think again.",
		Fix:         "Keep the level.",
	},
	{
		ID: "license-changed", Bump: Major, Replay: Accepts,
		Title:       "The licence changed",
		Explanation: "Not everybody may use a connector under every licence.",
		Fix:         "Keep the licence.",
	},
	{
		ID: "connector-deprecated", Bump: Minor, Replay: Accepts,
		Title:       "The connector was deprecated",
		Explanation: "It works as before, until the day that the deprecation names.",
		Fix:         "Say what to use in its place, and how to move there.",
	},
	{
		ID: "command-added", Bump: Minor, Replay: Accepts,
		Title:       "A command was added",
		Explanation: "What worked still works.",
		Fix:         "Say what it is for.",
	},
	{
		ID: "status-added", Bump: Minor, Replay: Accepts,
		Title:       "An exit status was added",
		Explanation: "What worked still works. What tells failures apart may want to know it.",
		Fix:         "Say when it comes.",
	},
	{
		ID: "status-meaning-changed", Bump: Minor, Replay: Accepts,
		Title: "An exit status is explained in other words",
		Explanation: "Whether the meaning is another, too, only people can tell. If it is, choose a higher version than " +
			"the one that is asked for.",
		Fix: "Use a new status for a new meaning.",
	},
	{
		ID: "guarantee-strengthened", Bump: Minor, Replay: Accepts,
		Title:       "Delivery promises more",
		Explanation: "What worked still works.",
		Fix:         "Say what it costs.",
	},
	{
		ID: "resuming-added", Bump: Minor, Replay: Accepts,
		Title:       "A source continues where it stopped",
		Explanation: "What worked still works. A restart no longer begins anew.",
		Fix:         "Say how to begin anew: state reset.",
	},
	{
		ID: "positions-unique", Bump: Minor, Replay: Accepts,
		Title:       "A position names the same record for ever",
		Explanation: "What worked still works, and duplicates are recognised by their ids.",
		Fix:         "Nothing.",
	},
	{
		ID: "record-introduced", Bump: Minor, Replay: Accepts,
		Title:       "There is a record contract now",
		Explanation: "What worked still works, if the contract describes what was there.",
		Fix:         "If records are other ones than before, choose a higher version than the one that is asked for.",
	},
	{
		ID: "record-field-added", Bump: Minor, Replay: Accepts,
		Title: "A field of records was added",
		Explanation: "What worked still works. The first description of a field that was only required counts too; what it asks of " +
			"a sink's records is told beside it.",
		Fix: "Say what it holds.",
	},
	{
		ID: "record-field-released", Bump: Minor, Replay: Accepts,
		Title:       "A sink takes records without a field",
		Explanation: "What worked still works.",
		Fix:         "Say what happens without it.",
	},
	{
		ID: "record-field-promised", Bump: Minor, Replay: Accepts,
		Title:       "A source always writes a field of records",
		Explanation: "What worked still works.",
		Fix:         "Nothing.",
	},
	{
		ID: "semantic-checks-changed", Bump: Minor, Replay: Blind,
		Title: "The connector says that it checks other things of its options",
		Explanation: "Whether a configuration that worked is refused, only people can tell. If one is, choose a higher " +
			"version than the one that is asked for.",
		Fix: "Check only for what could not have worked.",
	},
	{
		ID: "stability-raised", Bump: Minor, Replay: Accepts,
		Title:       "The connector promises more stability",
		Explanation: "What worked still works.",
		Fix:         "Nothing.",
	},
	{
		ID: "format-changed", Bump: Minor, Replay: Accepts,
		Title: "The document has another format",
		Explanation: "Programs that read documents have to know the format of metadata_version and the draft of JSON " +
			"Schema.",
		Fix: "Tell those who read documents.",
	},
	{
		ID: "connector-undeprecated", Bump: Patch, Replay: Accepts,
		Title:       "The connector is no longer deprecated",
		Explanation: "It stays, so nobody has to change anything.",
		Fix:         "Nothing.",
	},
	{
		ID: "sdk-changed", Bump: Patch, Replay: Accepts,
		Title:       "The version of the shared flags changed",
		Explanation: "What became of the flags themselves is told flag by flag.",
		Fix:         "Nothing.",
	},
	{
		ID: "text-changed", Bump: Patch, Replay: Accepts,
		Title:       "The document says the same in other words",
		Explanation: "Only a description, an example, the order of things or something else for people is another.",
		Fix:         "Nothing.",
	},
}
