/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a word that the grammar does not know was meant to be. For messages alone: decides nothing. Private to
 * engine/filter.
 */
#ifndef TERCEL_FILTER_ADVICE_H
#define TERCEL_FILTER_ADVICE_H

#include <stddef.h>

/* The bytes of the word or of the run of signs that starts here, as someone who does not know the grammar reads it. */
size_t advice_word_length(const char *s, size_t len);

/* "and", "or" or "not" for what means it elsewhere ("AND", "||", "!"), and for these themselves; NULL for others. */
const char *advice_keyword(const char *word, size_t len);

/* The operator that a word was meant to be; NULL if none is near. */
const char *advice_operator(const char *word, size_t len);

/* As advice_operator(), of transformers and of modifiers. */
const char *advice_transformer(const char *word, size_t len);
const char *advice_modifier(const char *word, size_t len);

#endif
