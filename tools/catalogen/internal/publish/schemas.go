package publish

import (
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/configschema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

// Schemas returns what the catalog holds of a document beside itself, by path below the catalog's folder: the schema of its
// flat options, and that of its config file.
func Schemas(doc metadata.Document) (map[string][]byte, error) {
	flat, err := pretty.JSON(doc.Schema)
	if err != nil {
		return nil, err
	}
	derived, err := configschema.Derive(doc)
	if err != nil {
		return nil, err
	}
	config, err := pretty.JSON(derived)
	if err != nil {
		return nil, err
	}
	paths := SchemaPaths(doc.Name)
	return map[string][]byte{paths[0]: flat, paths[1]: config}, nil
}

// SchemaPaths are where the catalog keeps a connector's schemas, of its flat options and of its config file.
func SchemaPaths(name string) [2]string {
	return [2]string{"schemas/" + name + ".json", "schemas/" + name + ".config.json"}
}
