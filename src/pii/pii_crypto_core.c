/*
 * pii_crypto_core.c: AES-256-GCM, HMAC-SHA-256, nonces and key wrapping.
 *
 * A value here is a dozen bytes, so what a library does per message outweighs
 * the cipher: setting nonce, tag and lengths through EVP's parameter lists costs
 * three times the encryption.  OpenSSL's GCM mode is therefore used directly,
 * around a block function that is EVP's AES (with the processor's instructions
 * where it has them).  The mode compares tags in constant time.
 */
#include "pii_crypto_core.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

/*
 * GCM's block function.  The mode asks for one counter block after the other;
 * the first of a message are made ahead, in one call, by begin_message().
 */
static void
encrypt_block(const unsigned char in[16], unsigned char out[16], const void *key)
{
	const CrmCipher *cipher = key;
	uint32_t	counter = (uint32_t) in[12] << 24 | (uint32_t) in[13] << 16 |
		(uint32_t) in[14] << 8 | in[15];
	int			length;

	if (counter - 1 < cipher->stream_blocks)
		memcpy(out, cipher->stream + 16 * (counter - 1), 16);
	else
		EVP_EncryptUpdate(cipher->block, out, &length, in, 16);
}

/* Key stream for the tag and the beginning of the text; then the nonce. */
static bool
begin_message(CrmCipher *cipher, const uint8_t nonce[CRM_NONCE_SIZE], size_t text_length)
{
	uint32_t	blocks = text_length > 16 * (CRM_STREAM_BLOCKS - 1) ? CRM_STREAM_BLOCKS :
		1 + (uint32_t) (text_length + 15) / 16;
	int			length;

	for (uint32_t i = 0; i < blocks; i++)
	{
		memcpy(cipher->stream + 16 * i, nonce, CRM_NONCE_SIZE);
		memset(cipher->stream + 16 * i + CRM_NONCE_SIZE, 0, 3);
		cipher->stream[16 * i + 15] = (uint8_t) (i + 1);
	}
	if (EVP_EncryptUpdate(cipher->block, cipher->stream, &length, cipher->stream,
						  16 * (int) blocks) != 1)
		return false;
	cipher->stream_blocks = blocks;
	CRYPTO_gcm128_setiv(cipher->mode, nonce, CRM_NONCE_SIZE);
	return true;
}

bool
crm_cipher_open(CrmCipher *cipher, const uint8_t key[CRM_KEY_SIZE])
{
	cipher->mode = NULL;
	cipher->stream_blocks = 0;
	cipher->block = EVP_CIPHER_CTX_new();
	if (cipher->block == NULL ||
		EVP_EncryptInit_ex(cipher->block, EVP_aes_256_ecb(), NULL, key, NULL) != 1 ||
		EVP_CIPHER_CTX_set_padding(cipher->block, 0) != 1 ||
		(cipher->mode = CRYPTO_gcm128_new(cipher, encrypt_block)) == NULL)
	{
		crm_cipher_close(cipher);
		return false;
	}
	return true;
}

/* Both frees wipe what they free: key schedule and hash key. */
void
crm_cipher_close(CrmCipher *cipher)
{
	if (cipher->mode != NULL)
		CRYPTO_gcm128_release(cipher->mode);
	EVP_CIPHER_CTX_free(cipher->block);
	cipher->mode = NULL;
	cipher->block = NULL;
}

bool
crm_cipher_seal(CrmCipher *cipher, const uint8_t nonce[CRM_NONCE_SIZE],
				const uint8_t *aad, size_t aad_length,
				const uint8_t *plain, size_t length,
				uint8_t *sealed, uint8_t tag[CRM_TAG_SIZE])
{
	if (!begin_message(cipher, nonce, length) ||
		CRYPTO_gcm128_aad(cipher->mode, aad, aad_length) != 0 ||
		CRYPTO_gcm128_encrypt(cipher->mode, plain, sealed, length) != 0)
		return false;
	CRYPTO_gcm128_tag(cipher->mode, tag, CRM_TAG_SIZE);
	cipher->stream_blocks = 0;
	return true;
}

/* What does not verify is wiped before anybody can look at it. */
bool
crm_cipher_unseal(CrmCipher *cipher, const uint8_t nonce[CRM_NONCE_SIZE],
				  const uint8_t *aad, size_t aad_length,
				  const uint8_t *sealed, size_t length,
				  const uint8_t tag[CRM_TAG_SIZE], uint8_t *plain)
{
	if (!begin_message(cipher, nonce, length) ||
		CRYPTO_gcm128_aad(cipher->mode, aad, aad_length) != 0 ||
		CRYPTO_gcm128_decrypt(cipher->mode, sealed, plain, length) != 0 ||
		CRYPTO_gcm128_finish(cipher->mode, tag, CRM_TAG_SIZE) != 0)
	{
		OPENSSL_cleanse(plain, length);
		return false;
	}
	cipher->stream_blocks = 0;
	return true;
}

/* A digest context that has absorbed the key block, xored with one of HMAC's pads. */
static EVP_MD_CTX *
open_pad(const uint8_t block[64], uint8_t pad)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t		padded[64];
	bool		ok;

	for (size_t i = 0; i < sizeof(padded); i++)
		padded[i] = block[i] ^ pad;
	ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(context, padded, sizeof(padded)) == 1;
	OPENSSL_cleanse(padded, sizeof(padded));
	if (!ok)
	{
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return context;
}

/* RFC 2104; keys longer than a block are hashed first. */
bool
crm_hmac_open(CrmHmac *hmac, const uint8_t *key, size_t length)
{
	uint8_t		block[64] = {0};
	bool		ok = true;

	if (length > sizeof(block))
		ok = EVP_Digest(key, length, block, NULL, EVP_sha256(), NULL) == 1;
	else
		memcpy(block, key, length);
	hmac->inner = ok ? open_pad(block, 0x36) : NULL;
	hmac->outer = ok ? open_pad(block, 0x5c) : NULL;
	hmac->work = EVP_MD_CTX_new();
	OPENSSL_cleanse(block, sizeof(block));
	if (hmac->inner == NULL || hmac->outer == NULL || hmac->work == NULL)
	{
		crm_hmac_close(hmac);
		return false;
	}
	return true;
}

void
crm_hmac_close(CrmHmac *hmac)
{
	EVP_MD_CTX_free(hmac->inner);
	EVP_MD_CTX_free(hmac->outer);
	EVP_MD_CTX_free(hmac->work);
	hmac->inner = hmac->outer = hmac->work = NULL;
}

/* HMAC-SHA-256 of head and text, one after the other. */
bool
crm_hmac(const CrmHmac *hmac, const uint8_t *head, size_t head_length,
		 const uint8_t *text, size_t length, uint8_t digest[CRM_HMAC_SIZE])
{
	EVP_MD_CTX *work = hmac->work;

	return EVP_MD_CTX_copy_ex(work, hmac->inner) == 1 &&
		EVP_DigestUpdate(work, head, head_length) == 1 &&
		EVP_DigestUpdate(work, text, length) == 1 &&
		EVP_DigestFinal_ex(work, digest, NULL) == 1 &&
		EVP_MD_CTX_copy_ex(work, hmac->outer) == 1 &&
		EVP_DigestUpdate(work, digest, CRM_HMAC_SIZE) == 1 &&
		EVP_DigestFinal_ex(work, digest, NULL) == 1;
}

/*
 * The next random nonce.  The buffer is thrown away when the process is another
 * than the one that filled it: after a fork both would hold the same nonces, and
 * one nonce used twice under one key gives GCM away.  A used nonce is wiped.
 */
bool
crm_nonce_next(CrmNonces *nonces, long process, uint8_t nonce[CRM_NONCE_SIZE])
{
	if (nonces->process != process || nonces->used + CRM_NONCE_SIZE > sizeof(nonces->bytes))
	{
		nonces->process = 0;
		if (RAND_bytes(nonces->bytes, sizeof(nonces->bytes)) != 1)
			return false;
		nonces->process = process;
		nonces->used = 0;
	}
	memcpy(nonce, nonces->bytes + nonces->used, CRM_NONCE_SIZE);
	memset(nonces->bytes + nonces->used, 0, CRM_NONCE_SIZE);
	nonces->used += CRM_NONCE_SIZE;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A key as text: 64 hexadecimal digits, white space around them allowed. */
bool
crm_key_parse(const char *text, size_t length, uint8_t key[CRM_KEY_SIZE])
{
	while (length > 0 && is_blank(text[0]))
		text++, length--;
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	if (length != CRM_KEY_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < CRM_KEY_SIZE; i++)
	{
		int			high = hex_digit(text[2 * i]);
		int			low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
		{
			OPENSSL_cleanse(key, CRM_KEY_SIZE);
			return false;
		}
		key[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

void
crm_key_print(const uint8_t key[CRM_KEY_SIZE], char text[CRM_KEY_TEXT_SIZE + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CRM_KEY_SIZE; i++)
	{
		text[2 * i] = digits[key[i] >> 4];
		text[2 * i + 1] = digits[key[i] & 15];
	}
	text[CRM_KEY_TEXT_SIZE] = '\0';
}

/* What a wrapped key is bound to: its id and purpose, so rows cannot be exchanged. */
static size_t
wrap_aad(uint32_t key_id, const char *purpose, uint8_t aad[64])
{
	size_t		length = strlen(purpose);

	if (length > 32)
		length = 32;
	memcpy(aad, "crm.key.v1.", 11);
	aad[11] = (uint8_t) (key_id >> 24);
	aad[12] = (uint8_t) (key_id >> 16);
	aad[13] = (uint8_t) (key_id >> 8);
	aad[14] = (uint8_t) key_id;
	memcpy(aad + 15, purpose, length);
	return 15 + length;
}

bool
crm_key_wrap(const uint8_t wrapping[CRM_KEY_SIZE], uint32_t key_id, const char *purpose,
			 const uint8_t nonce[CRM_NONCE_SIZE], const uint8_t key[CRM_KEY_SIZE],
			 uint8_t wrapped[CRM_WRAPPED_SIZE])
{
	CrmCipher	cipher;
	uint8_t		aad[64];
	size_t		aad_length = wrap_aad(key_id, purpose, aad);
	bool		ok;

	if (!crm_cipher_open(&cipher, wrapping))
		return false;
	memcpy(wrapped, nonce, CRM_NONCE_SIZE);
	ok = crm_cipher_seal(&cipher, nonce, aad, aad_length, key, CRM_KEY_SIZE,
						 wrapped + CRM_NONCE_SIZE,
						 wrapped + CRM_NONCE_SIZE + CRM_KEY_SIZE);
	crm_cipher_close(&cipher);
	return ok;
}

/* False when the wrapping key is another, or the row was tampered with. */
bool
crm_key_unwrap(const uint8_t wrapping[CRM_KEY_SIZE], uint32_t key_id, const char *purpose,
			   const uint8_t *wrapped, size_t length, uint8_t key[CRM_KEY_SIZE])
{
	CrmCipher	cipher;
	uint8_t		aad[64];
	size_t		aad_length = wrap_aad(key_id, purpose, aad);
	bool		ok;

	if (length != CRM_WRAPPED_SIZE || !crm_cipher_open(&cipher, wrapping))
		return false;
	ok = crm_cipher_unseal(&cipher, wrapped, aad, aad_length,
						   wrapped + CRM_NONCE_SIZE, CRM_KEY_SIZE,
						   wrapped + CRM_NONCE_SIZE + CRM_KEY_SIZE, key);
	crm_cipher_close(&cipher);
	return ok;
}

/* The key of one type and purpose: HMAC-SHA-256(key, "crm.pii.v1." purpose "." type). */
bool
crm_key_derive(const uint8_t key[CRM_KEY_SIZE], const char *purpose,
			   const char *type_name, uint8_t derived[CRM_KEY_SIZE])
{
	CrmHmac		hmac;
	uint8_t		label[64];
	size_t		purpose_length = strlen(purpose);
	size_t		type_length = strlen(type_name);
	bool		ok;

	if (purpose_length > 20 || type_length > 30 || !crm_hmac_open(&hmac, key, CRM_KEY_SIZE))
		return false;
	memcpy(label, "crm.pii.v1.", 11);
	memcpy(label + 11, purpose, purpose_length);
	label[11 + purpose_length] = '.';
	memcpy(label + 12 + purpose_length, type_name, type_length);
	ok = crm_hmac(&hmac, label, 12 + purpose_length + type_length, label, 0, derived);
	crm_hmac_close(&hmac);
	return ok;
}
