/*
 * points_chain_core.c: the hash of an entry, which holds the hash of the one before.
 *
 * SHA-256 of: 1; the hash before (32 zeros for the first); then every field in the
 * order below: numbers as 8 bytes, most significant first, texts and the delta as
 * such a number, their length, and their bytes. A field that is null has the
 * number that it cannot have otherwise. The form is for ever: a new one gets a
 * new first byte.
 */
#include "points_chain_core.h"

#include <string.h>

#include <openssl/evp.h>

typedef struct Form
{
	uint8_t    *at;
	uint8_t    *end;
	bool		full;
} Form;

static void
put(Form *f, const void *bytes, size_t length)
{
	if (length > (size_t) (f->end - f->at))
	{
		f->full = true;
		return;
	}
	memcpy(f->at, bytes, length);
	f->at += length;
}

static void
put_number(Form *f, int64_t number)
{
	uint64_t	n = (uint64_t) number;
	uint8_t		bytes[8] = {(uint8_t) (n >> 56), (uint8_t) (n >> 48), (uint8_t) (n >> 40), (uint8_t) (n >> 32),
	(uint8_t) (n >> 24), (uint8_t) (n >> 16), (uint8_t) (n >> 8), (uint8_t) n};

	put(f, bytes, sizeof(bytes));
}

static void
put_text(Form *f, const char *text, size_t length)
{
	put_number(f, (int64_t) length);
	put(f, text, length);
}

/* One digest for all: to look for the algorithm and make a context costs as much as the hash. */
static bool
digest(const uint8_t *bytes, size_t length, uint8_t hash[CRM_HASH_SIZE])
{
	static EVP_MD_CTX *context;
	const EVP_MD *kind = NULL;	/* that of the context */

	if (context == NULL)
	{
		context = EVP_MD_CTX_new();
		kind = EVP_sha256();
	}
	if (context != NULL && EVP_DigestInit_ex(context, kind, NULL) == 1 &&
		EVP_DigestUpdate(context, bytes, length) == 1 && EVP_DigestFinal_ex(context, hash, NULL) == 1)
		return true;
	EVP_MD_CTX_free(context);
	context = NULL;
	return false;
}

bool
crm_points_hash(const uint8_t before[CRM_HASH_SIZE], const CrmPointsEntry *entry, uint8_t hash[CRM_HASH_SIZE])
{
	static const uint8_t version = 1;
	uint8_t		bytes[CRM_LEDGER_BYTES + 2048];
	Form		f = {bytes, bytes + sizeof(bytes), false};

	put(&f, &version, 1);
	put(&f, before, CRM_HASH_SIZE);
	for (int i = 0; i < CRM_ENTRY_NUMBERS; i++)
		put_number(&f, entry->number[i]);
	for (int i = 0; i < CRM_ENTRY_TEXTS; i++)
		put_text(&f, entry->text[i], entry->length[i]);
	return !f.full && digest(bytes, (size_t) (f.at - bytes), hash);
}
