/*
 * ident_address_core.h: what the two files of the address parser share.
 */
#ifndef CRM_IDENT_ADDRESS_CORE_H
#define CRM_IDENT_ADDRESS_CORE_H

#include "ident_division_core.h"

extern void crm_address_simplify(char *text, size_t *length);
extern size_t crm_address_clean(char *text, size_t length);

/* Bytes of the word if the text begins with it, else 0. */
static inline size_t
crm_begins(const char *text, size_t length, const char *word)
{
	size_t		i;

	for (i = 0; word[i] != '\0'; i++)
	{
		if (i == length || text[i] != word[i])
			return 0;
	}
	return i;
}

/* Bytes of the first of several words that the text begins with, else 0. */
static inline size_t
crm_begins_any(const char *text, size_t length, const char *const *words)
{
	size_t		bytes = 0;

	for (; *words != NULL && bytes == 0; words++)
		bytes = crm_begins(text, length, *words);
	return bytes;
}

/* Bytes of a character, from its first one. */
static inline size_t
crm_point_bytes(char first)
{
	unsigned char c = (unsigned char) first;

	return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

#endif
