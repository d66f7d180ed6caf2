/*
 * pii_fuzz.c: any bytes at the input of the personal-data types.
 *
 * Nothing but what was sealed may ever open: not a text, not bytes, not a genuine
 * envelope with changes.  What normalises must seal, open to itself, and have a
 * mask that fits and hides something.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pii/pii_envelope_core.h"
#include "pii/pii_mask_core.h"
#include "pii/pii_value_core.h"

static CrmCipher cipher;
static CrmHmac hmac;
static CrmNonces nonces;
static CrmSealKeys keys = {1, 1, &cipher, &hmac};

static void
set_up(void)
{
	static const uint8_t key[CRM_KEY_SIZE] = {7};

	if (cipher.mode != NULL)
		return;
	if (!crm_cipher_open(&cipher, key) || !crm_hmac_open(&hmac, key, sizeof(key)))
		abort();
}

static void
seal(CrmPiiType type, const char *text, size_t length, uint8_t *envelope)
{
	uint8_t		nonce[CRM_NONCE_SIZE];

	assert(crm_nonce_next(&nonces, 1, nonce));
	assert(crm_envelope_seal(type, &keys, nonce, text, length, envelope));
}

static bool
opens(CrmPiiType type, const uint8_t *envelope, size_t size)
{
	static uint8_t text[CRM_ENVELOPE_MAX + 1];
	size_t		length;

	return crm_envelope_open(type, &cipher, envelope, size, text, &length) == CRM_ENVELOPE_OK;
}

/* Bytes as binary input gets them, and text as text input gets it. */
static void
foreign(CrmPiiType type, const uint8_t *data, size_t size)
{
	static uint8_t envelope[CRM_ENVELOPE_MAX];
	static char printed[CRM_ENVELOPE_TEXT(CRM_ENVELOPE_MAX) + 1];
	uint8_t		key[CRM_KEY_SIZE];
	size_t		parsed;

	assert(size > CRM_ENVELOPE_MAX || !opens(type, data, size));
	if (crm_envelope_parse((const char *) data, size, envelope, &parsed) == CRM_ENVELOPE_OK)
	{
		assert(!opens(type, envelope, parsed));
		assert(crm_envelope_print(envelope, parsed, printed) == size && memcmp(printed, data, size) == 0);
	}
	if (crm_key_parse((const char *) data, size, key))
		assert(!crm_key_unwrap(key, 1, "token", data, size, key));
}

/* A genuine envelope, with pairs of (place, what to xor), and cut where a place is beyond it. */
static void
altered(CrmPiiType type, const uint8_t *data, size_t size)
{
	uint8_t		genuine[256],
				copy[256];
	size_t		length = crm_envelope_size(type, 14);
	size_t		cut = length;

	seal(type, "+8613800138000", 14, genuine);
	memcpy(copy, genuine, length);
	for (size_t i = 0; i + 1 < size; i += 2)
	{
		if (data[i] < length)
			copy[data[i]] ^= data[i + 1];
		else
			cut = data[i + 1] % (length + 1);
	}
	assert(opens(type, copy, cut) == (cut == length && memcmp(copy, genuine, length) == 0));
	for (int other = CRM_PII_PHONE; other < CRM_PII_TYPE_END; other++)
		assert(other == (int) type || !opens(other, copy, cut));
}

static void
plain(CrmPiiType type, const char *text, size_t size)
{
	static uint8_t envelope[CRM_ENVELOPE_MAX],
				opened[CRM_ENVELOPE_MAX + 1];
	static CrmVerdict verdict;
	char		mask[CRM_MASK_MAX];
	CrmMaskRule rule = crm_mask_default(type);
	size_t		length;

	if (type == CRM_PII_PRIVATE_TEXT || !crm_pii_normalize(type, text, size, &verdict) ||
		crm_pii_is_mask(type, verdict.normalized, verdict.length))
		return;
	assert(verdict.length > 0 && verdict.length <= crm_pii_traits(type)->text_max);
	seal(type, verdict.normalized, verdict.length, envelope);
	assert(crm_envelope_open(type, &cipher, envelope, crm_envelope_size(type, verdict.length),
							 opened, &length) == CRM_ENVELOPE_OK);
	assert(length == verdict.length && memcmp(opened, verdict.normalized, length) == 0);
	for (int narrow = 0; narrow < 3; narrow++)
	{
		length = crm_mask(type, rule, verdict.normalized, verdict.length, mask);
		assert(length > 0 && length < CRM_MASK_MAX && mask[length] == '\0' && strlen(mask) == length);
		assert(strchr(mask, '*') != NULL && crm_pii_is_mask(type, mask, length));
		rule.left = narrow == 0 ? 0 : crm_mask_limit(type).left;
		rule.right = narrow == 0 ? 0 : crm_mask_limit(type).right;
	}
}

/* crm_mask() also meets values that an older release normalised: any text at all. */
static void
any_mask(CrmPiiType type, const char *text, size_t size)
{
	char		mask[CRM_MASK_MAX];

	assert(crm_mask(type, crm_mask_limit(type), text, size, mask) < CRM_MASK_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CrmPiiType	type;

	set_up();
	if (size < 1)
		return 0;
	type = (CrmPiiType) (CRM_PII_PHONE + data[0] % (CRM_PII_TYPE_END - CRM_PII_PHONE));
	foreign(type, data + 1, size - 1);
	altered(type, data + 1, size - 1);
	plain(type, (const char *) data + 1, size - 1);
	any_mask(type, (const char *) data + 1, size - 1);
	return 0;
}
