//go:build race

package faults_test

// raceDetector says that the test, and so all of its processes, are to be watched.
const raceDetector = true
