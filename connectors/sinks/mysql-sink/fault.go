package main

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/patchbay-dev/patchbay/common"
)

// A refusal is an error that no retry can mend and no record is to blame for.
type refusal struct{ error }

// Unwrap returns what the refusal wraps.
func (r *refusal) Unwrap() error { return r.error }

// Error numbers whose SQLSTATE does not say who is to blame. They are those of the server error reference of MySQL and of
// MariaDB, where one of them says otherwise.
var (
	// What is in a record does not fit the table.
	dataNumbers = []uint16{
		1118, // ER_TOO_BIG_ROWSIZE
		1153, // ER_NET_PACKET_TOO_LARGE
		1264, // ER_WARN_DATA_OUT_OF_RANGE
		1265, // WARN_DATA_TRUNCATED
		1364, // ER_NO_DEFAULT_FOR_FIELD
		1366, // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
		1525, // ER_WRONG_VALUE
		1526, // ER_NO_PARTITION_FOR_GIVEN_VALUE
		1906, // ER_WARNING_NON_DEFAULT_VALUE_FOR_VIRTUAL_COLUMN (MariaDB)
		3105, // ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN
		3819, // ER_CHECK_CONSTRAINT_VIOLATED
		4025, // ER_CONSTRAINT_FAILED (MariaDB)
	}
	// A limit of the server, which others may give room in.
	busyNumbers = []uint16{
		1203, // ER_TOO_MANY_USER_CONNECTIONS
		1226, // ER_USER_LIMIT_REACHED
		1461, // ER_MAX_PREPARED_STMT_COUNT_REACHED
	}
	// The server does not let this user in, or does not have what the options name.
	refusedNumbers = []uint16{
		1130, // ER_HOST_NOT_PRIVILEGED
		1251, // ER_NOT_SUPPORTED_AUTH_MODE
		1524, // ER_PLUGIN_IS_NOT_LOADED
		1698, // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
		1820, // ER_MUST_CHANGE_PASSWORD
	}
)

// A blame says what has to change before a statement that failed can succeed.
type blame int

const (
	blameNobody  blame = iota // time: a lock, a connection, a server that starts again
	blameData                 // the record
	blameOptions              // the options, the table, or the user's rights
)

// blameFor tells what an error is about. What is not known counts as one that may pass: nothing is given up for it.
func blameFor(err error) blame {
	var refused *refusal
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &refused) || errors.As(err, &certificate) {
		return blameOptions
	}
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return blameData
	}
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return blameNobody
	}
	class := string(e.SQLState[:2])
	switch {
	case slices.Contains(busyNumbers, e.Number):
		return blameNobody
	// Data exception, integrity constraint violation, and SIGNAL in a trigger.
	case slices.Contains(dataNumbers, e.Number), class == "22", class == "23", class == "45":
		return blameData
	// Invalid authorization, no or unknown database or catalog, and syntax error or access rule violation.
	case slices.Contains(refusedNumbers, e.Number), class == "28", class == "3D", class == "42":
		return blameOptions
	}
	return blameNobody
}

// judge marks an error as permanent that no retry can mend.
func judge(err error) error {
	if blameFor(err) == blameOptions {
		return common.Permanent(err)
	}
	return err
}

// oneLine is an error whose text, which may quote data, is one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
