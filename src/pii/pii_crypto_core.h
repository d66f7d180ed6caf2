/*
 * pii_crypto_core.h: the three primitives of the room: AES-256-GCM with the
 * key schedule kept, HMAC-SHA-256 with the key blocks kept, and nonces from a
 * buffer.
 *
 * All of it is OpenSSL's; what is ours is that nothing is set up twice.  A
 * context belongs to one process and one key.
 */
#ifndef CRM_PII_CRYPTO_CORE_H
#define CRM_PII_CRYPTO_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/modes.h>

#define CRM_KEY_SIZE	32
#define CRM_NONCE_SIZE	12
#define CRM_TAG_SIZE	16
#define CRM_HMAC_SIZE	32
/* A wrapped data key: nonce, ciphertext, tag. */
#define CRM_WRAPPED_SIZE (CRM_NONCE_SIZE + CRM_KEY_SIZE + CRM_TAG_SIZE)
/* Hexadecimal digits of a key file. */
#define CRM_KEY_TEXT_SIZE (2 * CRM_KEY_SIZE)

/* Blocks of key stream that are made at once: the tag's, and 48 bytes of text. */
#define CRM_STREAM_BLOCKS 4

typedef struct CrmCipher
{
	EVP_CIPHER_CTX *block;		/* AES-256, one block at a time */
	GCM128_CONTEXT *mode;		/* GCM around it; points back to this struct */
	uint32_t	stream_blocks;	/* how many of stream are of this message */
	uint8_t		stream[16 * CRM_STREAM_BLOCKS];
} CrmCipher;

typedef struct CrmHmac
{
	EVP_MD_CTX *inner;			/* has absorbed key ^ ipad */
	EVP_MD_CTX *outer;			/* has absorbed key ^ opad */
	EVP_MD_CTX *work;
} CrmHmac;

/* 4092 bytes: 341 nonces for one call of the random generator. */
typedef struct CrmNonces
{
	long		process;		/* whose they are; 0 when never filled */
	size_t		used;
	uint8_t		bytes[341 * CRM_NONCE_SIZE];
} CrmNonces;

extern bool crm_cipher_open(CrmCipher *cipher, const uint8_t key[CRM_KEY_SIZE]);
extern void crm_cipher_close(CrmCipher *cipher);
extern bool crm_cipher_seal(CrmCipher *cipher, const uint8_t nonce[CRM_NONCE_SIZE],
							const uint8_t *aad, size_t aad_length,
							const uint8_t *plain, size_t length,
							uint8_t *sealed, uint8_t tag[CRM_TAG_SIZE]);
extern bool crm_cipher_unseal(CrmCipher *cipher, const uint8_t nonce[CRM_NONCE_SIZE],
							  const uint8_t *aad, size_t aad_length,
							  const uint8_t *sealed, size_t length,
							  const uint8_t tag[CRM_TAG_SIZE], uint8_t *plain);

extern bool crm_hmac_open(CrmHmac *hmac, const uint8_t *key, size_t length);
extern void crm_hmac_close(CrmHmac *hmac);
extern bool crm_hmac(const CrmHmac *hmac, const uint8_t *head, size_t head_length,
					 const uint8_t *text, size_t length, uint8_t digest[CRM_HMAC_SIZE]);

extern bool crm_nonce_next(CrmNonces *nonces, long process, uint8_t nonce[CRM_NONCE_SIZE]);

extern bool crm_key_parse(const char *text, size_t length, uint8_t key[CRM_KEY_SIZE]);
extern void crm_key_print(const uint8_t key[CRM_KEY_SIZE], char text[CRM_KEY_TEXT_SIZE + 1]);
extern bool crm_key_wrap(const uint8_t wrapping[CRM_KEY_SIZE], uint32_t key_id, const char *purpose,
						 const uint8_t nonce[CRM_NONCE_SIZE], const uint8_t key[CRM_KEY_SIZE],
						 uint8_t wrapped[CRM_WRAPPED_SIZE]);
extern bool crm_key_unwrap(const uint8_t wrapping[CRM_KEY_SIZE], uint32_t key_id,
						   const char *purpose, const uint8_t *wrapped, size_t length,
						   uint8_t key[CRM_KEY_SIZE]);
extern bool crm_key_derive(const uint8_t key[CRM_KEY_SIZE], const char *purpose,
						   const char *type_name, uint8_t derived[CRM_KEY_SIZE]);

#endif
