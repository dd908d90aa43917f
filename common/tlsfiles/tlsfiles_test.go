package tlsfiles_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/tlsfiles"
)

func TestRoots(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	alone, err := tlsfiles.Roots(ca, false)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := tlsfiles.Roots(ca, true)
	if err != nil {
		t.Fatal(err)
	}
	if alone.Equal(beside) {
		t.Skip("this system has no authorities of its own, so there is nothing to stand beside")
	}
	config, err := tlsfiles.Config(ca, false, "", "")
	if err != nil || !config.RootCAs.Equal(alone) || len(config.Certificates) > 0 {
		t.Errorf("Config returned %+v, %v", config, err)
	}
}

func TestWithoutFilesTheSystemIsTrusted(t *testing.T) {
	config, err := tlsfiles.Config("", true, "", "")
	if err != nil || config.RootCAs != nil || len(config.Certificates) > 0 {
		t.Errorf("Config returned %+v, %v", config, err)
	}
}

func TestWhatIsWrongWithAFileIsTold(t *testing.T) {
	empty, missing := write(t, "no certificate"), filepath.Join(t.TempDir(), "missing")
	for _, tt := range []struct{ ca, cert, want string }{
		{missing, "", "--ca-file: open "},
		{empty, "", "--ca-file: " + empty + " holds no PEM certificate"},
		{"", missing, "--client-cert-file and --client-key-file: open "},
		{"", empty, "--client-cert-file and --client-key-file: "},
	} {
		_, err := tlsfiles.Config(tt.ca, false, tt.cert, tt.cert)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("the error is %v, want %q", err, tt.want)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
