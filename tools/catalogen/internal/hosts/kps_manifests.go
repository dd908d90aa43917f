package hosts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The ports of a connector: the container's, which patchbay kps listens on unless told otherwise, and the service's.
const (
	kpsContainerPort = 8000
	kpsServicePort   = 9000
)

// manifests returns the Deployment and the Service, a template in which the platform puts the static parameters. It sets the
// ids and addresses of its own in the container's environment.
func (o *kpsOptions) manifests(name string) string {
	var env strings.Builder
	for _, option := range slices.Sorted(maps.Keys(o.byClass[kpsStatic])) {
		parameter := ".Parameters." + kpsKey(kpsStatic, option)
		for _, variable := range slices.Compact(o.byClass[kpsStatic][option].env) {
			// print makes text of numbers, of a switch that is off, and of what is missing.
			fmt.Fprintf(&env, `            {{- if not (eq (print %[1]s) "" "<nil>" "<no value>") }}
            - name: %[2]s
              value: {{ printf "%%q" (print %[1]s) }}
            {{- end }}
`, parameter, variable)
		}
	}
	return fmt.Sprintf(kpsManifests, name, env.String(), kpsContainerPort, kpsServicePort, strings.Join(o.programs, `", "`))
}

// kpsManifests is filled with the class's name, the environment of its static options, the two ports, and the connectors. One
// replica runs at a time, since two would bring every record twice.
const kpsManifests = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app: %[1]s
  template:
    metadata:
      labels:
        app: %[1]s
    spec:
      securityContext:
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
      containers:
        - name: %[1]s
          image: {{ printf "%%q" .Parameters.image }}
          command: ["/patchbay", "kps", "--", "%[5]s"]
          env:
            - name: PATCHBAY_KPS_STATE
              value: /state
%[2]s          ports:
            - containerPort: %[3]d
          securityContext:
            allowPrivilegeEscalation: false
          volumeMounts:
            - name: state
              mountPath: /state
      volumes:
        - name: state
          {{- if not (eq (print .Parameters.state_claim) "" "<nil>" "<no value>") }}
          persistentVolumeClaim:
            claimName: {{ printf "%%q" .Parameters.state_claim }}
          {{- else }}
          emptyDir: {}
          {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: %[1]s-svc
spec:
  selector:
    app: %[1]s
  ports:
    - name: connector
      protocol: TCP
      port: %[4]d
      targetPort: %[3]d
`
