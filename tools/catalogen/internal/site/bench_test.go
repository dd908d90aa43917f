package site_test

import (
	"fmt"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site/fixture"
)

// BenchmarkRender renders twenty connectors of fifty options and three versions each.
func BenchmarkRender(b *testing.B) {
	conn, err := fixture.Load("http-source")
	if err != nil {
		b.Fatal(err)
	}
	var c site.Catalog
	for i := range 20 {
		copied := conn
		name := fmt.Sprintf("http%d-source", i)
		copied.Entry.Name, copied.Document.Name = name, name
		copied.Versions = nil
		for _, doc := range conn.Versions {
			doc.Name = name
			copied.Versions = append(copied.Versions, doc)
		}
		c.Connectors = append(c.Connectors, copied)
	}
	for b.Loop() {
		if _, err := fixture.Render(c); err != nil {
			b.Fatal(err)
		}
	}
}
