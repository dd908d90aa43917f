package config

import "strings"

// Nearest gives the candidate that name was most likely meant to be, by edit distance (insert, delete, replace, swap
// neighbours), or "" when none is near. Case, and hyphens against underscores, do not count. Of equally near candidates
// the first wins.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 0
	typed := fold(name)
	for _, candidate := range candidates {
		d := distance(typed, fold(candidate))
		if d <= tolerance(len(typed), len(candidate)) && (best == "" || d < bestDistance) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "-")) }

// tolerance is how many slips names of these lengths may differ by: one in three characters, but never all of a name.
func tolerance(a, b int) int { return min((max(a, b)+2)/3, min(a, b)-1) }

// distance is the optimal string alignment distance of two short names, in bytes.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return max(len(a), len(b)) // nobody types a name of this length, and the cost is the product of the two
	}
	previous, row := make([]int, len(b)+1), make([]int, len(b)+1)
	beforePrevious := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		beforePrevious, previous, row = previous, row, beforePrevious
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforePrevious[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
