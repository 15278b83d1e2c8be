/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(char a, char b)
{
	return lower(a) == lower(b);
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

size_t suggest_distance(const char *a, size_t alen, const char *b, size_t blen, size_t limit)
{
	/* Rows of the table of distances between prefixes: the one before the last, the last, this one. */
	size_t rows[3][SUGGEST_MAX_LEN + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	/* The difference in length is a lower bound. */
	if (alen > SUGGEST_MAX_LEN || blen > SUGGEST_MAX_LEN || (alen > blen ? alen - blen : blen - alen) >= limit)
		return limit;
	for (size_t k = 0; k <= blen; k++)
		last[k] = k;
	for (size_t i = 1; i <= alen; i++) {
		size_t nearest = row[0] = i;

		for (size_t k = 1; k <= blen; k++) {
			row[k] = least(last[k] + 1, row[k - 1] + 1, last[k - 1] + !same(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]) &&
			    before[k - 2] + 1 < row[k])
				row[k] = before[k - 2] + 1;
			nearest = row[k] < nearest ? row[k] : nearest;
		}
		if (nearest >= limit)
			return limit;
		size_t *oldest = before;

		before = last;
		last = row;
		row = oldest;
	}
	return last[blen] < limit ? last[blen] : limit;
}

struct suggestion suggestion_for(const char *word, size_t len)
{
	return (struct suggestion){.word = word, .len = len, .distance = len == 0 ? 0 : len < 8 ? 2 : 3};
}

void suggestion_offer(struct suggestion *s, const char *name)
{
	size_t d = suggest_distance(s->word, s->len, name, strlen(name), s->distance);

	if (d < s->distance) {
		s->best = name;
		s->distance = d;
	}
}
