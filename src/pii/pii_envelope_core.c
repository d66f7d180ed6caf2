/*
 * pii_envelope_core.c: seal, open, check, print and parse an envelope.
 */
#include "pii_envelope_core.h"

#include <string.h>

#include <openssl/crypto.h>

#define SEARCHED(name, padded, text_max) \
	{#name, "crm." #name, padded, true, text_max, CRM_ENVELOPE_HEAD, \
	CRM_ENVELOPE_HEAD + sizeof("crm." #name) - 1}
#define BARE(name, padded, text_max) \
	{#name, "crm." #name, padded, false, text_max, CRM_ENVELOPE_HEAD_BARE, \
	CRM_ENVELOPE_HEAD_BARE + sizeof("crm." #name) - 1}

static const CrmPiiTraits traits[CRM_PII_TYPE_END] = {
	[CRM_PII_PHONE] = SEARCHED(phone, false, 64),
	[CRM_PII_ID_NUMBER] = SEARCHED(id_number, false, 64),
	[CRM_PII_BANK_CARD] = SEARCHED(bank_card, false, 64),
	[CRM_PII_EMAIL] = SEARCHED(email, true, 1024),
	[CRM_PII_PERSON_NAME] = SEARCHED(person_name, true, 1024),
	[CRM_PII_POSTAL_ADDRESS] = SEARCHED(postal_address, true, 1024),
	[CRM_PII_PRIVATE_TEXT] = BARE(private_text, true, CRM_PII_TEXT_MAX),
};

const CrmPiiTraits *
crm_pii_traits(CrmPiiType type)
{
	if (type < CRM_PII_PHONE || type >= CRM_PII_TYPE_END)
		return NULL;
	return &traits[type];
}

/* By its bare name or by crm.name. */
bool
crm_pii_type_find(const char *name, CrmPiiType *type)
{
	for (int i = CRM_PII_PHONE; i < CRM_PII_TYPE_END; i++)
	{
		if (strcmp(traits[i].name, name) == 0 || strcmp(traits[i].sql_name, name) == 0)
		{
			*type = (CrmPiiType) i;
			return true;
		}
	}
	return false;
}

/* Bytes of the envelope of a text of that length. */
size_t
crm_envelope_size(CrmPiiType type, size_t text_length)
{
	const CrmPiiTraits *t = &traits[type];
	size_t		body = t->padded ? CRM_PADDED(text_length) : text_length;

	return t->head + CRM_NONCE_SIZE + body + CRM_TAG_SIZE;
}

/*
 * The associated data: everything before the nonce, then the type's name.  Both
 * copies have a fixed size, whatever of them counts.
 */
static void
write_aad(const CrmPiiTraits *t, const uint8_t *envelope, uint8_t aad[64])
{
	memcpy(aad, envelope, CRM_ENVELOPE_HEAD);
	memcpy(aad + t->head, t->sql_name, sizeof(t->sql_name));
}

static bool
write_head(CrmPiiType type, const CrmSealKeys *keys, const char *text, size_t length,
		   uint8_t *envelope)
{
	uint8_t		digest[CRM_HMAC_SIZE];

	envelope[0] = CRM_ENVELOPE_VERSION;
	envelope[1] = (uint8_t) type;
	envelope[2] = (uint8_t) (keys->key_id >> 24);
	envelope[3] = (uint8_t) (keys->key_id >> 16);
	envelope[4] = (uint8_t) (keys->key_id >> 8);
	envelope[5] = (uint8_t) keys->key_id;
	if (!traits[type].has_token)
		return true;

	envelope[6] = (uint8_t) (keys->token_key_id >> 8);
	envelope[7] = (uint8_t) keys->token_key_id;
	if (!crm_hmac(keys->token, envelope + 1, 1, (const uint8_t *) text, length, digest))
		return false;
	memcpy(envelope + 8, digest, CRM_TOKEN_SIZE);
	return true;
}

/*
 * Write the envelope of a text, crm_envelope_size() bytes.
 *
 * A padded text is encrypted in place, in the envelope itself: no second buffer
 * that would have to be wiped.
 */
bool
crm_envelope_seal(CrmPiiType type, const CrmSealKeys *keys, const uint8_t nonce[CRM_NONCE_SIZE],
				  const char *text, size_t length, uint8_t *envelope)
{
	const CrmPiiTraits *t = &traits[type];
	uint8_t		aad[64];
	uint8_t    *body = envelope + t->head + CRM_NONCE_SIZE;
	size_t		body_size = t->padded ? CRM_PADDED(length) : length;

	if (length > t->text_max || (length == 0 && !t->padded) ||
		!write_head(type, keys, text, length, envelope))
		return false;
	memcpy(body - CRM_NONCE_SIZE, nonce, CRM_NONCE_SIZE);
	memcpy(body, text, length);
	if (t->padded)
	{
		memset(body + length, 0, body_size - length);
		body[length] = 0x80;
	}
	write_aad(t, envelope, aad);
	return crm_cipher_seal(keys->cipher, nonce, aad, t->aad, body, body_size,
						   body, body + body_size);
}

/* Form only; whether it opens needs the key. */
CrmEnvelopeFault
crm_envelope_check(CrmPiiType type, const uint8_t *envelope, size_t size)
{
	const CrmPiiTraits *t = &traits[type];
	size_t		fixed = t->head + CRM_NONCE_SIZE + CRM_TAG_SIZE;
	size_t		body;

	if (size < 2)
		return CRM_ENVELOPE_SHORT;
	if (envelope[0] != CRM_ENVELOPE_VERSION)
		return CRM_ENVELOPE_BAD_VERSION;
	if (envelope[1] != type)
		return CRM_ENVELOPE_BAD_CLASS;
	if (size <= fixed)
		return CRM_ENVELOPE_SHORT;
	body = size - fixed;
	if (t->padded ? body % CRM_PAD_STEP != 0 || body > CRM_PADDED(t->text_max) : body > t->text_max)
		return CRM_ENVELOPE_BAD_LENGTH;
	return CRM_ENVELOPE_OK;
}

uint32_t
crm_envelope_key_id(const uint8_t *envelope)
{
	return (uint32_t) envelope[2] << 24 | (uint32_t) envelope[3] << 16 |
		(uint32_t) envelope[4] << 8 | envelope[5];
}

/* Length of the text before its padding; false when that is not our padding. */
static bool
unpad(const uint8_t *body, size_t *length)
{
	size_t		end = *length;

	while (end > 0 && body[end - 1] == 0)
		end--;
	if (end == 0 || body[end - 1] != 0x80 || *length - end >= CRM_PAD_STEP)
		return false;
	*length = end - 1;
	return true;
}

/*
 * Open an envelope of any origin.  text must hold size bytes; on failure nothing
 * of the text is left there.
 */
CrmEnvelopeFault
crm_envelope_open(CrmPiiType type, CrmCipher *cipher, const uint8_t *envelope, size_t size,
				  uint8_t *text, size_t *length)
{
	const CrmPiiTraits *t = &traits[type];
	CrmEnvelopeFault fault = crm_envelope_check(type, envelope, size);
	const uint8_t *nonce = envelope + t->head;
	uint8_t		aad[64];
	size_t		body;

	if (fault != CRM_ENVELOPE_OK)
		return fault;
	body = size - t->head - CRM_NONCE_SIZE - CRM_TAG_SIZE;
	write_aad(t, envelope, aad);
	if (!crm_cipher_unseal(cipher, nonce, aad, t->aad,
						   nonce + CRM_NONCE_SIZE, body,
						   nonce + CRM_NONCE_SIZE + body, text))
		return CRM_ENVELOPE_TAMPERED;
	if (t->padded && !unpad(text, &body))
	{
		OPENSSL_cleanse(text, body);
		return CRM_ENVELOPE_TAMPERED;
	}
	*length = body;
	return CRM_ENVELOPE_OK;
}

static const char alphabet[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Write the text form and a NUL; returns its length. */
size_t
crm_envelope_print(const uint8_t *envelope, size_t size, char *text)
{
	char	   *out = text + CRM_ENVELOPE_PREFIX_LENGTH;
	size_t		i;

	memcpy(text, CRM_ENVELOPE_PREFIX, CRM_ENVELOPE_PREFIX_LENGTH);
	for (i = 0; i + 3 <= size; i += 3)
	{
		uint32_t	three = (uint32_t) envelope[i] << 16 | (uint32_t) envelope[i + 1] << 8 |
			envelope[i + 2];

		*out++ = alphabet[three >> 18];
		*out++ = alphabet[three >> 12 & 63];
		*out++ = alphabet[three >> 6 & 63];
		*out++ = alphabet[three & 63];
	}
	if (i < size)
	{
		uint32_t	rest = (uint32_t) envelope[i] << 16 |
			(i + 1 < size ? (uint32_t) envelope[i + 1] << 8 : 0);

		*out++ = alphabet[rest >> 18];
		*out++ = alphabet[rest >> 12 & 63];
		if (i + 1 < size)
			*out++ = alphabet[rest >> 6 & 63];
	}
	*out = '\0';
	return (size_t) (out - text);
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

/* Does the text say that it is an envelope?  Whatever says so is never a plain value. */
bool
crm_envelope_announced(const char *text, size_t length)
{
	return length >= CRM_ENVELOPE_PREFIX_LENGTH &&
		memcmp(text, CRM_ENVELOPE_PREFIX, CRM_ENVELOPE_PREFIX_LENGTH) == 0;
}

/*
 * Read the text form; envelope must hold CRM_ENVELOPE_MAX bytes.  One spelling
 * only: a leftover bit that is not zero is refused, or one envelope would have
 * several texts.
 */
CrmEnvelopeFault
crm_envelope_parse(const char *text, size_t length, uint8_t *envelope, size_t *size)
{
	uint32_t	bits = 0;
	int			count = 0;
	size_t		out = 0;

	if (!crm_envelope_announced(text, length))
		return CRM_ENVELOPE_ENCODING;
	if (length > CRM_ENVELOPE_TEXT(CRM_ENVELOPE_MAX))
		return CRM_ENVELOPE_BAD_LENGTH;
	for (size_t i = CRM_ENVELOPE_PREFIX_LENGTH; i < length; i++)
	{
		int			digit = base64_digit(text[i]);

		if (digit < 0)
			return CRM_ENVELOPE_ENCODING;
		bits = bits << 6 | (uint32_t) digit;
		count += 6;
		if (count >= 8)
		{
			count -= 8;
			envelope[out++] = (uint8_t) (bits >> count);
		}
	}
	if (count >= 6 || (bits & ((1u << count) - 1)) != 0)
		return CRM_ENVELOPE_ENCODING;
	*size = out;
	return CRM_ENVELOPE_OK;
}

const char *
crm_envelope_fault(CrmEnvelopeFault fault)
{
	switch (fault)
	{
		case CRM_ENVELOPE_OK:
			return "It is in order.";
		case CRM_ENVELOPE_ENCODING:
			return "The envelope is not in its canonical text form.";
		case CRM_ENVELOPE_SHORT:
			return "The envelope is too short.";
		case CRM_ENVELOPE_BAD_VERSION:
			return "The envelope has an unknown version.";
		case CRM_ENVELOPE_BAD_CLASS:
			return "The envelope belongs to another type.";
		case CRM_ENVELOPE_BAD_LENGTH:
			return "The envelope has a length that this type never has.";
		case CRM_ENVELOPE_TAMPERED:
			return "The envelope does not open with its key: it was altered, or sealed elsewhere.";
	}
	return "The envelope is unreadable.";
}
