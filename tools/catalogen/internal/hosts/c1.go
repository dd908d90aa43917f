package hosts

import (
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

// c1Repository is where hosts get the connectors from.
const c1Repository = "https://github.com/patchbay-dev/patchbay.git"

// A c1Manifest is the install manifest of a connector for c1 hosts. They run its commands by sh -c from the root of the
// repository, but none of them needs a shell, so that patchbay install has nothing more to ask. An empty update command would
// pull and build nothing.
type c1Manifest struct {
	Name           string `json:"name"`
	Description    string `json:"description"`
	Source         string `json:"source"` // HTTP, VCS or Local
	URI            string `json:"uri"`
	InstallCommand string `json:"install_command"`
	UpdateCommand  string `json:"update_command"`
	Command        string `json:"command"`
}

// c1Files makes the manifest of a source. Hosts of c1 have no use for sinks.
func c1Files(doc *metadata.Document) (map[string][]byte, error) {
	if doc.Direction != metadata.Source {
		return nil, nil
	}
	rules := "make -C connectors/sources/" + doc.Name
	text, err := pretty.JSON(c1Manifest{
		Name: doc.Name, Description: doc.Description, Source: "VCS", URI: c1Repository,
		InstallCommand: rules + " programs", UpdateCommand: rules + " update", // with patchbay beside it, in bin
		Command: "bin/patchbay plugin -- " + doc.Name,
	})
	return map[string][]byte{"c1/" + doc.Name + ".json": text}, err
}
