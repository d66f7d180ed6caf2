/*
 * pii_test.c proves: the cipher is AES-256-GCM and the token HMAC-SHA-256, by
 * published vectors; nonces do not repeat and not after a fork; a wrapped key
 * opens only as the row it was; an envelope that was cut, changed in one bit,
 * spliced or given to another type never opens; its text form has one spelling;
 * masks show what the rule says and no more.
 */
#include "unit.h"

#include <stdlib.h>

#include "pii/pii_crypto_core.h"
#include "pii/pii_envelope_core.h"
#include "pii/pii_mask_core.h"
#include "pii/pii_value_core.h"

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t		n = strlen(hex) / 2;
	unsigned	byte;

	for (size_t i = 0; i < n; i++)
	{
		sscanf(hex + 2 * i, "%2x", &byte);
		out[i] = (uint8_t) byte;
	}
	return n;
}

typedef struct GcmVector
{
	const char *name;
	const char *key;
	const char *nonce;
	const char *aad;
	const char *plain;
	const char *sealed;
	const char *tag;
} GcmVector;

/* The GCM specification's cases 13 to 16, and three of NIST's CAVS file gcmEncryptExtIV256. */
static const GcmVector gcm_vectors[] = {
	{"GCM case 13", "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{"GCM case 14", "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "00000000000000000000000000000000",
	"cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
	{"GCM case 15", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
	"b094dac5d93471bdec1a502270e3cc6c"},
	{"GCM case 16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	"76fc6ece0f4e1768cddf8853bb2d551b"},
	{"CAVS 256/96/0/0", "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
		"516c33929df5a3284ff463d7", "", "", "", "bdc1ac884d332457a1d2664f168c76f0"},
	{"CAVS 256/96/128/0", "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
		"0d18e06c7c725ac9e362e1ce", "", "2db5168e932556f8089a0622981d017d",
	"fa4362189661d163fcd6a56d8bf0405a", "d636ac1bbedd5cc3ee727dc2ab4a9489"},
	{"CAVS 256/96/128/128", "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
		"ac93a1a6145299bde902f21a", "1e0889016f67601c8ebea4943bc23ad6",
		"2d71bcfa914e4ac045b2aa60955fad24", "8995ae2e6df3dbf96fac7b7137bae67f",
	"eca5aa77d51d4a0a14d9c51e1da474ab"},
};

static void
test_gcm_vector(const GcmVector *v)
{
	CrmCipher	cipher;
	uint8_t		key[32],
				nonce[12],
				aad[64],
				plain[128],
				sealed[128],
				tag[16],
				out[128],
				out_tag[16];
	size_t		aad_length = unhex(v->aad, aad);
	size_t		length = unhex(v->plain, plain);

	unhex(v->key, key);
	unhex(v->nonce, nonce);
	unhex(v->sealed, sealed);
	unhex(v->tag, tag);
	CHECK(crm_cipher_open(&cipher, key));

	/* Twice with one context: nothing of the first message may remain. */
	for (int i = 0; i < 2; i++)
	{
		memset(out, 0, sizeof(out));
		CHECK_AS(crm_cipher_seal(&cipher, nonce, aad, aad_length, plain, length, out, out_tag) &&
				 memcmp(out, sealed, length) == 0 && memcmp(out_tag, tag, 16) == 0, v->name);
		CHECK_AS(crm_cipher_unseal(&cipher, nonce, aad, aad_length, sealed, length, tag, out) &&
				 memcmp(out, plain, length) == 0, v->name);
		tag[15] ^= 1;
		CHECK_AS(!crm_cipher_unseal(&cipher, nonce, aad, aad_length, sealed, length, tag, out),
				 "one bit of the tag changed");
		tag[15] ^= 1;
	}
	crm_cipher_close(&cipher);
}

/* The direct use of the mode agrees with EVP's own AES-256-GCM. */
static void
test_gcm_against_evp(void)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	bool		same = true;

	srand(15);
	for (int round = 0; round < 500; round++)
	{
		CrmCipher	cipher;
		uint8_t		key[32],
					nonce[12],
					aad[40],
					plain[200],
					ours[200],
					theirs[200],
					tag[16],
					their_tag[16];
		int			length = rand() % 200;
		int			aad_length = rand() % 40;
		int			n;

		for (int i = 0; i < 200; i++)
			plain[i] = (uint8_t) rand();
		memcpy(key, plain + 7, 32);
		memcpy(nonce, plain + 60, 12);
		memcpy(aad, plain + 90, 40);
		EVP_EncryptInit_ex(evp, EVP_aes_256_gcm(), NULL, key, nonce);
		EVP_EncryptUpdate(evp, NULL, &n, aad, aad_length);
		EVP_EncryptUpdate(evp, theirs, &n, plain, length);
		EVP_EncryptFinal_ex(evp, theirs + n, &n);
		EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, 16, their_tag);
		crm_cipher_open(&cipher, key);
		crm_cipher_seal(&cipher, nonce, aad, (size_t) aad_length, plain, (size_t) length, ours, tag);
		same = same && memcmp(ours, theirs, (size_t) length) == 0 && memcmp(tag, their_tag, 16) == 0;
		crm_cipher_close(&cipher);
	}
	CHECK_AS(same, "500 random messages agree with EVP's AES-256-GCM");
	EVP_CIPHER_CTX_free(evp);
}

static void
test_hmac_vector(const char *name, const uint8_t *key, size_t key_length,
				 const char *text, size_t length, const char *digest)
{
	CrmHmac		hmac;
	uint8_t		expected[32],
				out[32];

	unhex(digest, expected);
	CHECK(crm_hmac_open(&hmac, key, key_length));
	for (int i = 0; i < 2; i++)
	{
		/* Cut anywhere, the two parts are one message. */
		size_t		cut = i * (length / 3);

		CHECK_AS(crm_hmac(&hmac, (const uint8_t *) text, cut,
						  (const uint8_t *) text + cut, length - cut, out) &&
				 memcmp(out, expected, 32) == 0, name);
	}
	crm_hmac_close(&hmac);
}

static void
test_hmac(void)
{
	uint8_t		key[131];
	char		text[50];

	memset(key, 0x0b, 20);
	test_hmac_vector("RFC 4231 case 1", key, 20, "Hi There", 8,
					 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	test_hmac_vector("RFC 4231 case 2", (const uint8_t *) "Jefe", 4, "what do ya want for nothing?", 28,
					 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 131);
	memset(text, 0xdd, 50);
	test_hmac_vector("RFC 4231 case 3", key, 20, text, 50,
					 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	test_hmac_vector("RFC 4231 case 6", key, 131,
					 "Test Using Larger Than Block-Size Key - Hash Key First", 54,
					 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	test_hmac_vector("RFC 4231 case 7", key, 131,
					 "This is a test using a larger than block-size key and a larger than "
					 "block-size data. The key needs to be hashed before being used by the "
					 "HMAC algorithm.", 152,
					 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
	for (int i = 0; i < 25; i++)
		key[i] = (uint8_t) (i + 1);
	memset(text, 0xcd, 50);
	test_hmac_vector("RFC 4231 case 4", key, 25, text, 50,
					 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

static int
compare_nonces(const void *a, const void *b)
{
	return memcmp(a, b, CRM_NONCE_SIZE);
}

static void
test_nonces(void)
{
	enum
	{
		COUNT = 5000
	};
	static uint8_t all[COUNT][CRM_NONCE_SIZE];
	static CrmNonces nonces,
				forked;
	uint8_t		parent[CRM_NONCE_SIZE],
				child[CRM_NONCE_SIZE];
	bool		unique = true;

	for (int i = 0; i < COUNT; i++)
		if (!crm_nonce_next(&nonces, 7, all[i]))
			unique = false;
	qsort(all, COUNT, CRM_NONCE_SIZE, compare_nonces);
	for (int i = 1; i < COUNT; i++)
		if (memcmp(all[i - 1], all[i], CRM_NONCE_SIZE) == 0)
			unique = false;
	CHECK_AS(unique, "5000 nonces, none twice");

	/* What a fork does to the buffer: the same bytes under another process id. */
	memcpy(&forked, &nonces, sizeof(forked));
	crm_nonce_next(&nonces, 7, parent);
	crm_nonce_next(&forked, 8, child);
	CHECK_AS(memcmp(parent, child, CRM_NONCE_SIZE) != 0, "a child does not repeat its parent's nonce");
}

static void
test_keys(void)
{
	uint8_t		kek[32],
				other[32],
				key[32],
				out[32],
				wrapped[CRM_WRAPPED_SIZE],
				nonce[12] = {1};
	char		text[CRM_KEY_TEXT_SIZE + 1];

	for (int i = 0; i < 32; i++)
	{
		kek[i] = (uint8_t) i;
		other[i] = (uint8_t) (i * 3);
		key[i] = (uint8_t) (200 - i);
	}
	crm_key_print(key, text);
	CHECK(crm_key_parse(text, 64, out) && memcmp(out, key, 32) == 0);
	CHECK(crm_key_parse(" \n000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\r\n", 68, out));
	CHECK(memcmp(out, kek, 32) == 0);
	CHECK(!crm_key_parse(text, 63, out));
	CHECK(!crm_key_parse("", 0, out));
	CHECK(!crm_key_parse("  \n", 3, out));
	text[63] = 'g';
	CHECK(!crm_key_parse(text, 64, out));

	CHECK(crm_key_wrap(kek, 1, "encryption", nonce, key, wrapped));
	CHECK(memcmp(wrapped + 12, key, 32) != 0);
	CHECK(crm_key_unwrap(kek, 1, "encryption", wrapped, sizeof(wrapped), out) && memcmp(out, key, 32) == 0);
	CHECK(!crm_key_unwrap(other, 1, "encryption", wrapped, sizeof(wrapped), out));
	CHECK(!crm_key_unwrap(kek, 2, "encryption", wrapped, sizeof(wrapped), out));
	CHECK(!crm_key_unwrap(kek, 1, "token", wrapped, sizeof(wrapped), out));
	CHECK(!crm_key_unwrap(kek, 1, "encryption", wrapped, sizeof(wrapped) - 1, out));

	CHECK(crm_key_derive(key, "encryption", "phone", out));
	CHECK(crm_key_derive(key, "encryption", "email", other) && memcmp(out, other, 32) != 0);
	CHECK(crm_key_derive(key, "token", "phone", other) && memcmp(out, other, 32) != 0);
}

static CrmCipher cipher;
static CrmHmac hmac;
static CrmSealKeys keys = {0x01020304, 0x0506, &cipher, &hmac};
static const uint8_t nonce[12] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

static size_t
seal(CrmPiiType type, const char *text, uint8_t *envelope)
{
	if (!crm_envelope_seal(type, &keys, nonce, text, strlen(text), envelope))
		return 0;
	return crm_envelope_size(type, strlen(text));
}

static bool
opens(CrmPiiType type, const uint8_t *envelope, size_t size)
{
	static uint8_t text[CRM_ENVELOPE_MAX + 1];
	size_t		length;

	return crm_envelope_open(type, &cipher, envelope, size, text, &length) == CRM_ENVELOPE_OK;
}

static void
test_round_trip(CrmPiiType type, const char *text)
{
	static uint8_t envelope[CRM_ENVELOPE_MAX],
				parsed[CRM_ENVELOPE_MAX],
				out[CRM_ENVELOPE_MAX + 1];
	static char printed[CRM_ENVELOPE_TEXT(CRM_ENVELOPE_MAX) + 1];
	size_t		size = seal(type, text, envelope);
	size_t		length = 0,
				parsed_size = 0;

	CHECK_AS(size > 0 && crm_envelope_key_id(envelope) == 0x01020304 &&
			 crm_envelope_check(type, envelope, size) == CRM_ENVELOPE_OK &&
			 crm_envelope_open(type, &cipher, envelope, size, out, &length) == CRM_ENVELOPE_OK &&
			 length == strlen(text) && memcmp(out, text, length) == 0,
			 crm_pii_traits(type)->sql_name);
	CHECK_AS(crm_envelope_print(envelope, size, printed) == CRM_ENVELOPE_TEXT(size) &&
			 crm_envelope_parse(printed, strlen(printed), parsed, &parsed_size) == CRM_ENVELOPE_OK &&
			 parsed_size == size && memcmp(parsed, envelope, size) == 0, "text form round trip");
}

static void
test_tamper(CrmPiiType type, const char *text)
{
	uint8_t		envelope[512];
	size_t		size = seal(type, text, envelope);
	bool		opened = false;

	for (size_t bit = 0; bit < size * 8; bit++)
	{
		envelope[bit / 8] ^= (uint8_t) (1 << bit % 8);
		opened = opened || opens(type, envelope, size);
		envelope[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	CHECK_AS(!opened, "no envelope with one bit changed opens");
	for (size_t cut = 0; cut < size; cut++)
		opened = opened || opens(type, envelope, cut);
	CHECK_AS(!opened, "no cut envelope opens");
	for (int other = CRM_PII_PHONE; other < CRM_PII_TYPE_END; other++)
	{
		uint8_t		class = envelope[1];

		if (other == (int) type)
			continue;
		opened = opened || opens(other, envelope, size);
		envelope[1] = (uint8_t) other;
		opened = opened || opens(other, envelope, size);
		envelope[1] = class;
	}
	CHECK_AS(!opened, "no envelope opens as another type, nor with its class rewritten");
	CHECK(opens(type, envelope, size));
}

/* A token, a key id or a ciphertext of one envelope, put into another. */
static void
test_splice(void)
{
	uint8_t		a[128],
				b[128],
				spliced[128];
	size_t		size = seal(CRM_PII_PHONE, "+8613800138000", a);
	bool		opened = false;

	CHECK(seal(CRM_PII_PHONE, "+8613900139000", b) == size);
	CHECK(memcmp(a + CRM_TOKEN_OFFSET, b + CRM_TOKEN_OFFSET, CRM_TOKEN_FIELD) != 0);
	for (size_t from = 0; from < size; from++)
		for (size_t to = from + 1; to <= size; to++)
		{
			memcpy(spliced, a, size);
			memcpy(spliced + from, b + from, to - from);
			if (memcmp(spliced, a, size) != 0 && memcmp(spliced, b, size) != 0)
				opened = opened || opens(CRM_PII_PHONE, spliced, size);
		}
	CHECK_AS(!opened, "no mixture of two envelopes opens");
}

static void
test_lengths(void)
{
	uint8_t		a[256],
				b[256];

	CHECK_AS(seal(CRM_PII_PERSON_NAME, "\xe5\xbc\xa0\xe4\xb8\x89", a) ==
			 seal(CRM_PII_PERSON_NAME, "\xe6\xac\xa7\xe9\x98\xb3\xe7\xba\xa2\xe9\x9c\x9e", b),
			 "names of two and of four characters have one length");
	CHECK(crm_envelope_size(CRM_PII_PHONE, 14) == 66);
	CHECK(crm_envelope_size(CRM_PII_EMAIL, 31) == 52 + 32 && crm_envelope_size(CRM_PII_EMAIL, 32) == 52 + 64);
	CHECK(crm_envelope_size(CRM_PII_PRIVATE_TEXT, 0) == 34 + 32);
	CHECK_AS(seal(CRM_PII_PHONE, "", a) == 0, "an empty phone is not sealed");
}

static void
test_text_form(void)
{
	static uint8_t out[CRM_ENVELOPE_MAX];
	size_t		size;

#define PARSES(text) (crm_envelope_parse(text, strlen(text), out, &size) == CRM_ENVELOPE_OK)
	CHECK(PARSES("crm1:AQI") && size == 2 && out[0] == 1 && out[1] == 2);
	CHECK(PARSES("crm1:"));
	CHECK_AS(!PARSES("crm1:AQJ"), "a leftover bit that is set");
	CHECK_AS(!PARSES("crm1:AQIDB"), "a single digit at the end");
	CHECK_AS(!PARSES("crm1:AQI="), "padding");
	CHECK_AS(!PARSES("crm1:AQ+/"), "the other base64 alphabet");
	CHECK_AS(!PARSES("crm1:AQ I"), "white space");
	CHECK_AS(!PARSES("crm2:AQI"), "another prefix");
	CHECK_AS(!PARSES("138****8000"), "a mask");
	CHECK(crm_envelope_announced("crm1:x", 6) && !crm_envelope_announced("crm1", 4));
}

static void
test_mask(CrmPiiType type, int left, int right, const char *plain, const char *expected)
{
	CrmVerdict	verdict;
	CrmMaskRule rule = {(short) left, (short) right};
	char		mask[CRM_MASK_MAX];
	bool		ok = crm_pii_normalize(type, plain, strlen(plain), &verdict);

	if (left < 0)
		rule = crm_mask_default(type);
	CHECK_AS(ok && crm_mask(type, rule, verdict.normalized, verdict.length, mask) == strlen(expected) &&
			 strcmp(mask, expected) == 0, expected);
}

static void
test_masks(void)
{
	test_mask(CRM_PII_PHONE, -1, 0, "13800138000", "138****8000");
	test_mask(CRM_PII_PHONE, 0, 4, "13800138000", "*******8000");
	test_mask(CRM_PII_PHONE, 3, 0, "13800138000", "138********");
	test_mask(CRM_PII_PHONE, 9, 9, "13800138000", "138****8000");
	test_mask(CRM_PII_PHONE, -1, 0, "010-62345678", "010-****5678");
	test_mask(CRM_PII_PHONE, 2, 2, "010-62345678", "0**-******78");
	test_mask(CRM_PII_PHONE, -1, 0, "0571-87654321-801", "0571-****4321");
	test_mask(CRM_PII_PHONE, -1, 0, "4008208820", "400***8820");
	test_mask(CRM_PII_PHONE, -1, 0, "95588", "*****");
	test_mask(CRM_PII_PHONE, -1, 0, "+1 415 555 2671", "+1******2671");
	test_mask(CRM_PII_PHONE, 0, 0, "+1 415 555 2671", "+***********");
	test_mask(CRM_PII_PHONE, -1, 0, "+852 2345 6789", "+852****6789");
	test_mask(CRM_PII_ID_NUMBER, -1, 0, "11010519491231002X", "1****************X");
	test_mask(CRM_PII_ID_NUMBER, 6, 4, "11010519491231002X", "110105********002X");
	test_mask(CRM_PII_ID_NUMBER, 6, 4, "E12345678", "*****5678");
	test_mask(CRM_PII_BANK_CARD, -1, 0, "6222021234567890128", "***************0128");
	test_mask(CRM_PII_EMAIL, -1, 0, "zhang.san@Example.COM", "z***@example.com");
	test_mask(CRM_PII_EMAIL, 3, 0, "zhang.san@example.com", "zha***@***");
	test_mask(CRM_PII_EMAIL, 3, 1, "abc@example.com", "***@example.com");
	test_mask(CRM_PII_PERSON_NAME, -1, 0, "\xe5\xbc\xa0\xe4\xb8\x89", "\xe5\xbc\xa0*");
	test_mask(CRM_PII_PERSON_NAME, 1, 1, "\xe5\xbc\xa0\xe4\xb8\x89\xe4\xb8\xb0", "\xe5\xbc\xa0*\xe4\xb8\xb0");
	test_mask(CRM_PII_PERSON_NAME, 1, 1, "\xe5\xbc\xa0\xe4\xb8\x89", "\xe5\xbc\xa0*");
	test_mask(CRM_PII_PERSON_NAME, -1, 0, "\xe6\xac\xa7\xe9\x98\xb3\xe4\xbf\xae", "\xe6\xac\xa7\xe9\x98\xb3*");
	test_mask(CRM_PII_PERSON_NAME, 0, 0, "\xe6\xac\xa7\xe9\x98\xb3\xe4\xbf\xae", "***");
	test_mask(CRM_PII_PERSON_NAME, -1, 0, "John Doe", "J*** D**");
	test_mask(CRM_PII_PERSON_NAME, -1, 0, "N A", "* *");
	test_mask(CRM_PII_POSTAL_ADDRESS, -1, 0, "\xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\xe6\x9c\x9d\xe9\x98\xb3\xe5\x8c\xba 1",
			  "\xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\xe6\x9c\x9d\xe9\x98\xb3\xe5\x8c\xba***");
	test_mask(CRM_PII_POSTAL_ADDRESS, -1, 0, "somewhere", "***");
}

/* One digit wrong in a resident's number is never taken for another document. */
static void
test_documents(void)
{
	char		number[] = "11010519491231002X";
	CrmVerdict	verdict;
	int			accepted = 0;

	CHECK(crm_pii_normalize(CRM_PII_ID_NUMBER, number, 18, &verdict));
	for (int place = 0; place < 18; place++)
		for (char digit = '0'; digit <= '9'; digit++)
		{
			char		kept = number[place];

			if (digit == kept)
				continue;
			number[place] = digit;
			accepted += crm_pii_normalize(CRM_PII_ID_NUMBER, number, 18, &verdict);
			number[place] = kept;
		}
	CHECK_AS(accepted == 0, "no single wrong digit is accepted");
	CHECK(crm_pii_normalize(CRM_PII_ID_NUMBER, "E12345678", 9, &verdict));
	CHECK(crm_pii_normalize(CRM_PII_ID_NUMBER, "91110000600037341L", 18, &verdict));
	CHECK(!crm_pii_normalize(CRM_PII_ID_NUMBER, "", 0, &verdict) && verdict.reason == CRM_REASON_EMPTY);
	CHECK(!crm_pii_normalize(CRM_PII_ID_NUMBER, "hello", 5, &verdict) && verdict.reason == CRM_REASON_FORM);
}

static void
test_addresses(void)
{
	CrmVerdict	verdict;

#define FOLDS(text, expected) (crm_pii_normalize(CRM_PII_POSTAL_ADDRESS, text, strlen(text), &verdict) && \
							   strcmp(verdict.normalized, expected) == 0)
#define REFUSED(text, why) (!crm_pii_normalize(CRM_PII_POSTAL_ADDRESS, text, strlen(text), &verdict) && \
							verdict.reason == why)
	CHECK(FOLDS("  12 \t High\xe3\x80\x80Street ", "12 High Street"));
	CHECK(FOLDS("\xef\xbc\x91\xef\xbc\x92\xe5\x8f\xb7", "12\xe5\x8f\xb7"));
	CHECK(REFUSED(" \n ", CRM_REASON_EMPTY));
	CHECK(REFUSED("a\x01", CRM_REASON_CHARACTER));
	CHECK(REFUSED("\xc0\xaf", CRM_REASON_ENCODING));
	CHECK(REFUSED("\xed\xa0\x80", CRM_REASON_ENCODING));
	CHECK(REFUSED("\xe5\x8c", CRM_REASON_ENCODING));
}

int
main(void)
{
	uint8_t		key[32] = {42};

	for (size_t i = 0; i < sizeof(gcm_vectors) / sizeof(gcm_vectors[0]); i++)
		test_gcm_vector(&gcm_vectors[i]);
	test_gcm_against_evp();
	test_hmac();
	test_nonces();
	test_keys();

	CHECK(crm_cipher_open(&cipher, key) && crm_hmac_open(&hmac, key, sizeof(key)));
	test_round_trip(CRM_PII_PHONE, "+8613800138000");
	test_round_trip(CRM_PII_ID_NUMBER, "11010519491231002X");
	test_round_trip(CRM_PII_BANK_CARD, "6222021234567890128");
	test_round_trip(CRM_PII_EMAIL, "zhang.san@example.com");
	test_round_trip(CRM_PII_PERSON_NAME, "\xe5\xbc\xa0\xe4\xb8\x89");
	test_round_trip(CRM_PII_POSTAL_ADDRESS, "\xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\xe6\x9c\x9d\xe9\x98\xb3\xe5\x8c\xba");
	test_round_trip(CRM_PII_PRIVATE_TEXT, "");
	test_round_trip(CRM_PII_PRIVATE_TEXT, "exactly thirty-two bytes of text");
	test_tamper(CRM_PII_PHONE, "+8613800138000");
	test_tamper(CRM_PII_EMAIL, "zhang.san@example.com");
	test_tamper(CRM_PII_PRIVATE_TEXT, "note");
	test_splice();
	test_lengths();
	test_text_form();
	test_masks();
	test_documents();
	test_addresses();
	crm_cipher_close(&cipher);
	crm_hmac_close(&hmac);
	return unit_done();
}
