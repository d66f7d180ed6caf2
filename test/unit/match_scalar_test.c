/*
 * Proves: the distances give the figures of the literature and agree with their
 * definitions on random texts; readings and folds are what Chinese names need; each
 * Chinese comparison kind sorts pairs into the levels that its page promises, the
 * same from either side, and gives both sides of a likely pair a key in common.
 */
#include <math.h>
#include <stdlib.h>

#include "ident/ident_core.h"
#include "match/match_cn_core.h"
#include "match/match_pinyin_core.h"
#include "match/match_text_core.h"
#include "unit.h"

/* Distances */

typedef struct Points
{
	uint32_t	point[CRM_TEXT_POINTS_MAX];
	size_t		count;
} Points;

static Points left;
static Points right;

static void
both(const char *a, const char *b)
{
	left.count = crm_text_points(a, strlen(a), left.point, CRM_TEXT_POINTS_MAX);
	right.count = crm_text_points(b, strlen(b), right.point, CRM_TEXT_POINTS_MAX);
}

typedef struct Similar
{
	const char *a;
	const char *b;
	double		jaro;
	double		winkler;
} Similar;

/* Winkler (1994), table 1; Jaro (1989); the last rows by hand. */
static const Similar similar[] = {
	{"MARTHA", "MARHTA", 0.9444, 0.9611}, {"DIXON", "DICKSONX", 0.7667, 0.8133},
	{"DWAYNE", "DUANE", 0.8222, 0.8400}, {"SHACKLEFORD", "SHACKELFORD", 0.9697, 0.9818},
	{"DUNNINGHAM", "CUNNIGHAM", 0.8963, 0.8963}, {"NICHLESON", "NICHULSON", 0.9259, 0.9556},
	{"JONES", "JOHNSON", 0.7905, 0.8324}, {"MASSEY", "MASSIE", 0.8889, 0.9333},
	{"ABROMS", "ABRAMS", 0.8889, 0.9222}, {"JERALDINE", "GERALDINE", 0.9259, 0.9259},
	{"MICHELLE", "MICHAEL", 0.8690, 0.9214}, {"JULIES", "JULIUS", 0.8889, 0.9333},
	{"ABC", "XYZ", 0, 0}, {"", "", 1, 1}, {"", "A", 0, 0}, {"A", "A", 1, 1},
	{"张伟", "张炜", 0.6667, 0.6667}, {"欧阳娜娜", "欧阳那娜", 0.8333, 0.8667},
};

static void
test_similarities(void)
{
	for (size_t i = 0; i < sizeof(similar) / sizeof(similar[0]); i++)
	{
		both(similar[i].a, similar[i].b);
		CHECK_AS(fabs(crm_jaro(left.point, left.count, right.point, right.count) - similar[i].jaro) < 5e-5, similar[i].a);
		CHECK_AS(fabs(crm_jaro_winkler(left.point, left.count, right.point, right.count) - similar[i].winkler) < 5e-5,
				 similar[i].a);
	}
	both("duck", "luck");
	CHECK(fabs(crm_jaccard(left.point, left.count, right.point, right.count) - 0.6) < 1e-12);
	both("张伟", "张炜");
	CHECK(fabs(crm_bigram(left.point, left.count, right.point, right.count) - 0.2) < 1e-12);
	both("伟", "伟");
	CHECK(crm_bigram(left.point, left.count, right.point, right.count) == 1);
	both("abab", "abababab");
	CHECK(crm_bigram(left.point, left.count, right.point, right.count) == 1);
	both("上海示例公司", "上海样例公司");
	CHECK(fabs(crm_bigram(left.point, left.count, right.point, right.count) - 5.0 / 9) < 1e-12);
	CHECK(fabs(crm_jaccard(left.point, left.count, right.point, right.count) - 5.0 / 7) < 1e-12);
}

typedef struct Edits
{
	const char *a;
	const char *b;
	size_t		levenshtein;
	size_t		damerau;
} Edits;

static const Edits edits[] = {
	{"kitten", "sitting", 3, 3}, {"CA", "ABC", 3, 2}, {"", "", 0, 0}, {"", "abc", 3, 3}, {"abc", "abc", 0, 0},
	{"ab", "ba", 2, 1}, {"abcdef", "abdcef", 2, 1}, {"a cat", "an abct", 4, 3}, {"Saturday", "Sunday", 3, 3},
	{"马磊仁", "马仁磊", 2, 1}, {"duckdb", "udckbd", 4, 2}, {"\xff\xfe", "\xfe\xff", 2, 1},
};

static void
test_edits(void)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
	{
		both(edits[i].a, edits[i].b);
		CHECK_AS(crm_levenshtein(left.point, left.count, right.point, right.count) == edits[i].levenshtein, edits[i].a);
		CHECK_AS(crm_damerau_levenshtein(left.point, left.count, right.point, right.count) == edits[i].damerau, edits[i].a);
	}
}

#define MODEL_MAX 96

/* The definitions, written the slow way: the whole matrix, all transpositions. */
static size_t
model_damerau(const uint32_t *a, size_t n, const uint32_t *b, size_t m, bool exchange)
{
	static size_t d[MODEL_MAX + 2][MODEL_MAX + 2];

	for (size_t i = 0; i <= n; i++)
	{
		for (size_t j = 0; j <= m; j++)
		{
			size_t		best = i == 0 ? j : j == 0 ? i : d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (i > 0 && j > 0 && d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (i > 0 && j > 0 && d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			for (size_t k = i; exchange && k > 1 && j > 1; k--)
			{
				for (size_t l = j; l > 1; l--)
				{
					/* a[k-2] and a[i-1] are exchanged over what is between them. */
					if (a[k - 2] == b[j - 1] && a[i - 1] == b[l - 2] && d[k - 2][l - 2] + (i - k) + (j - l) + 1 < best)
						best = d[k - 2][l - 2] + (i - k) + (j - l) + 1;
				}
			}
			d[i][j] = best;
		}
	}
	return d[n][m];
}

/* Neighbours that change places count as one, and are not edited again. */
static size_t
model_alignment(const unsigned char *a, size_t n, const unsigned char *b, size_t m)
{
	static size_t table[100][100];

	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++)
		{
			size_t		best = i == 0 ? j : j == 0 ? i : table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (i > 0 && j > 0 && table[i - 1][j] + 1 < best)
				best = table[i - 1][j] + 1;
			if (i > 0 && j > 0 && table[i][j - 1] + 1 < best)
				best = table[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && table[i - 2][j - 2] + 1 < best)
				best = table[i - 2][j - 2] + 1;
			table[i][j] = best;
		}
	return table[n][m];
}

/* The texts at hand as bytes: whatever their length, every cap tells the truth. */
static int
wrong_of_bytes(size_t plain, size_t full)
{
	unsigned char a[100];
	unsigned char b[100];
	size_t		aligned;
	int			wrong = 0;

	for (size_t i = 0; i < left.count; i++)
		a[i] = (unsigned char) left.point[i];
	for (size_t i = 0; i < right.count; i++)
		b[i] = (unsigned char) right.point[i];
	aligned = model_alignment(a, left.count, b, right.count);
	for (size_t cap = 0; cap < 100; cap++)
	{
		wrong += crm_edits_bytes(a, left.count, b, right.count, cap, false) != (plain <= cap ? plain : cap + 1);
		wrong += crm_edits_bytes(a, left.count, b, right.count, cap, true) != (aligned <= cap ? aligned : cap + 1);
	}
	for (size_t limit = 1; limit < 4; limit++)
		wrong += crm_damerau_within_bytes(a, left.count, b, right.count, limit) != (full <= limit);
	if (left.count > 0 && right.count > 0)
		wrong += crm_jaro_winkler_bytes(a, left.count, b, right.count) != crm_jaro_winkler(left.point, left.count, right.point, right.count);
	return wrong;
}

static void
test_against_model(void)
{
	static const int sizes[] = {3, 8, 20, 90};
	int			wrong = 0;

	srand(5);
	for (int round = 0; round < 1500; round++)
	{
		int			size = sizes[round % 4];
		int			letters = 2 + rand() % 5;
		size_t		plain;
		size_t		full;

		left.count = (size_t) (rand() % (size + 1));
		right.count = (size_t) (rand() % (size + 1));
		if (size == 90 && round % 40 != 3)
			continue;
		for (size_t i = 0; i < left.count; i++)
			left.point[i] = 0x4E00 + (uint32_t) (rand() % letters);
		for (size_t i = 0; i < right.count; i++)
			right.point[i] = 0x4E00 + (uint32_t) (rand() % letters);
		plain = model_damerau(left.point, left.count, right.point, right.count, false);
		full = model_damerau(left.point, left.count, right.point, right.count, true);
		wrong += crm_levenshtein(left.point, left.count, right.point, right.count) != plain;
		wrong += crm_damerau_levenshtein(left.point, left.count, right.point, right.count) != full;
		for (size_t limit = 0; limit < 4; limit++)
			wrong += crm_damerau_within(left.point, left.count, right.point, right.count, limit) != (full <= limit);
		wrong += wrong_of_bytes(plain, full);
	}
	CHECK_AS(wrong == 0, "distances are what their definitions say");
}

/* Short texts and long ones take different paths to one answer. */
static void
test_long(void)
{
	double		whole;

	both("abcdefghij", "abcdefgijh");
	whole = crm_jaccard(left.point, left.count, right.point, right.count);
	for (size_t i = 0; i < 5000; i++)
	{
		left.point[i] = 'a' + i * 7 % 10;
		right.point[i] = 'a' + i * 3 % 10;
	}
	left.count = right.count = 5000;
	CHECK(whole == 1 && crm_jaccard(left.point, 5000, right.point, 5000) == 1);
	CHECK(crm_jaro(left.point, 5000, right.point, 5000) > 0.6);
	CHECK(crm_levenshtein(left.point, 5000, left.point + 1, 4999) == 1);
	memcpy(right.point, left.point, sizeof(left.point));
	right.point[1] = left.point[2];
	right.point[2] = left.point[1];
	right.point[4000] = 'X';
	CHECK(crm_damerau_levenshtein(left.point, 5000, right.point, 5000) == 2);
	CHECK(crm_levenshtein(left.point, 5000, right.point, 5000) == 3);
}

/* Readings */

static const char *
letters_of(const char *character, int (*read) (uint32_t))
{
	uint32_t	point = 0;

	crm_utf8_decode(character, strlen(character), &point);
	return crm_pinyin_letters(read(point));
}

static void
test_pinyin(void)
{
	static const char *const surnames[][2] = {
		{"单", "shan"}, {"仇", "qiu"}, {"曾", "zeng"}, {"解", "xie"}, {"区", "ou"}, {"盖", "ge"}, {"翟", "zhai"},
		{"查", "zha"}, {"朴", "piao"}, {"任", "ren"}, {"华", "hua"}, {"覃", "qin"}, {"吕", "lyu"}, {"缪", "miao"},
	};
	static const char *const plain[][2] = {
		{"重", "zhong"}, {"女", "nyu"}, {"略", "lue"}, {"峯", "feng"}, {"〇", "ling"}, {"𬭎", "hong"}, {"a", ""},
	};
	int			first;
	int			last;
	char		soft[] = "zhuangshilingchen";

	for (size_t i = 0; i < sizeof(surnames) / sizeof(surnames[0]); i++)
		CHECK_AS(strcmp(letters_of(surnames[i][0], crm_pinyin_surname), surnames[i][1]) == 0, surnames[i][1]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		CHECK_AS(strcmp(letters_of(plain[i][0], crm_pinyin), plain[i][1]) == 0, plain[i][0]);
	crm_pinyin_compound(0x957F, 0x5B59, &first, &last);
	CHECK(strcmp(crm_pinyin_letters(first), "zhang") == 0 && strcmp(crm_pinyin_letters(last), "sun") == 0);
	CHECK(crm_pinyin_soften(soft, strlen(soft)) == 12 && memcmp(soft, "zuansinincen", 12) == 0);
	CHECK(crm_look_alike(0x5DF1, 0x5DF2) && crm_look_alike(0x5DF2, 0x5DF1) && !crm_look_alike(0x5DF1, 0x5F20));
}

typedef struct Fold
{
	const char *text;
	const char *folded;
} Fold;

static const Fold names[] = {
	{"張　偉", "张伟"}, {"徐总", "徐"}, {"李静女士", "李静"}, {"王总经理", "王"}, {"小李", "李"}, {"王小明", "王小明"},
	{"覃媚媚(本人)", "覃媚媚"}, {"阿依夏木·热合曼", "阿依夏木热合曼"}, {"陳峯", "陈峰"}, {"ＺＨＡＮＧ Wei", "zhang wei"},
	{"Mr. André  O’Brien", "andre obrien"}, {"刘工", "刘工"}, {"", ""}, {" ()", ""}, {"张*明", "张*明"},
};

static const Fold companies[] = {
	{"示例（上海）科技有限责任公司", "上海市示例科技"}, {"上海示例科技有限公司", "上海市示例科技"},
	{"廣東省示例貿易股份有限公司", "广东省示例贸易"}, {"示例科技", "示例科技"}, {"示例科技上海有限公司", "上海市示例科技"}, {"海南科技有限公司", "海南科技"},
	{"示例集团有限公司第一分公司", "示例第一分公司"}, {"ACME Co., Ltd.", "acme"}, {"甘南藏族示例食品厂", "甘南藏族自治州示例食品厂"},
	{"", ""},
};

static void
test_folds(void)
{
	char		out[2048];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		size_t		length = crm_fold_name(names[i].text, strlen(names[i].text), out, sizeof(out));

		CHECK_AS(length == strlen(names[i].folded) && memcmp(out, names[i].folded, length) == 0, names[i].text);
	}
	for (size_t i = 0; i < sizeof(companies) / sizeof(companies[0]); i++)
	{
		size_t		length = crm_fold_company_name(companies[i].text, strlen(companies[i].text), out, sizeof(out));

		CHECK_AS(length == strlen(companies[i].folded) && memcmp(out, companies[i].folded, length) == 0, companies[i].text);
	}
}

/* Kinds */

typedef struct Pair
{
	const CrmMatchKind *kind;
	const char *a;
	const char *b;
	const char *level;
} Pair;

#define NAME &crm_match_cn_name
#define ID &crm_match_cn_id_number
#define PHONE &crm_match_cn_phone
#define ADDRESS &crm_match_cn_address
#define COMPANY &crm_match_cn_company_name

static const Pair pairs[] = {
	{NAME, "张伟", "張 偉先生", "exact"}, {NAME, "张伟", "", "missing"}, {NAME, "张伟", "章伟", "homophone"},
	{NAME, "张伟", "Wei ZHANG", "pinyin"}, {NAME, "张伟", "zhangwei", "pinyin"}, {NAME, "吕静", "Lyu Jing", "pinyin"},
	{NAME, "吕静", "LV JING", "pinyin"}, {NAME, "欧阳明月", "Mingyue Ouyang", "pinyin"}, {NAME, "单乐", "Shan Le", "pinyin"},
	{NAME, "张伟", "章微", "homophone"}, {NAME, "张林", "章宁", "similar"},
	{NAME, "徐超勇", "除超勇", "similar"}, {NAME, "李兰静", "李静", "part"}, {NAME, "李兰静", "李静兰", "part"},
	{NAME, "李兰静", "Li Jing", "part"}, {NAME, "李兰静", "Li L J", "part"}, {NAME, "李兰静", "李兰花", "one_differs"},
	{NAME, "徐红艳", "徐总", "title"}, {NAME, "徐红艳", "许总", "different"}, {NAME, "徐总", "徐总", "title"},
	{NAME, "徐红艳", "徐伟", "surname"}, {NAME, "徐红艳", "Xu Wei", "surname"}, {NAME, "徐红艳", "王伟", "different"},
	{NAME, "张伟明", "张*明", "part"}, {NAME, "张伟明", "张**", "title"}, {NAME, "Mary Smith", "SMITH, Mary", "pinyin"},
	{NAME, "Catherine Jones", "Katherine Jones", "similar"}, {NAME, "Mary Smith", "John Smith", "surname"},

	{ID, "11010519491231002X", "１１０１０５１９４９１２３１００２ｘ", "exact"}, {ID, "11010519491231002X", "110105491231002", "exact"},
	{ID, "11010519491231002X", "110105********002X", "partial"}, {ID, "11010519491231002X", "110105***002X", "partial"},
	{ID, "11010519491231002X", "110105********102X", "different"}, {ID, "11010519491231002X", "110105194912310021", "typo"},
	{ID, "11010519491231002X", "11010519491213002X", "typo"}, {ID, "11010519491231002X", "1101051949123102X", "typo"},
	{ID, "11010519491231002X", "110105194912310038", "conflict"}, {ID, "11010519491231002X", "110221194912313470", "birth"},
	{ID, "91350100M000100Y43", "m000100y4", "partial"}, {ID, "91350100M000100Y43", "91350100M000100Y48", "typo"},
	{ID, "91350100M000100Y43", "9135O1OOMOOO1OOY43", "exact"}, {ID, "E12345678", "E12345678", "exact"},
	{ID, "E12345678", "E12345687", "typo"}, {ID, "E12345678", "G98765432", "different"}, {ID, "000000000000000000", "1", "missing"},

	{PHONE, "13800138000", "+86 138-0013-8000", "exact"}, {PHONE, "13800138000", "0086-13800138000", "exact"},
	{PHONE, "13800138000", "138****8000", "masked"}, {PHONE, "13800138000", "138****8001", "different"},
	{PHONE, "13800138000", "13800138001", "typo"}, {PHONE, "13800138000", "13800183000", "typo"},
	{PHONE, "0571-87654321", "87654321", "local"}, {PHONE, "0571-87654321转801", "057187654321", "exact"},
	{PHONE, "010-87654321", "(010)87654321", "exact"}, {PHONE, "13800138000", "15912345678", "different"},
	{PHONE, "11111111111", "13800138000", "missing"},

	{ADDRESS, "浙江省杭州市西湖区文三路90号3号楼2单元501室", "杭州西湖文三路90号3-2-501", "door"},
	{ADDRESS, "浙江省杭州市西湖区文三路90号三号楼二单元501室", "杭州市西湖区文三路90号3栋2单元501", "door"},
	{ADDRESS, "杭州市西湖区文三路九十号", "浙江省杭州市西湖區文三路９０號", "house"},
	{ADDRESS, "杭州市西湖区文三路90号", "杭州市西湖区文三路90号3-2-501", "part"},
	{ADDRESS, "杭州市西湖区文三路90号3-2-502", "杭州市西湖区文三路90号3-2-501", "neighbour"},
	{ADDRESS, "杭州市西湖区文三路90号", "杭州市西湖区文三路19号", "street"},
	{ADDRESS, "杭州市西湖区文三路90号", "杭州市西湖区天目山路19号", "district"},
	{ADDRESS, "杭州市西湖区文三路90号", "杭州市滨江区江南大道19号", "city"},
	{ADDRESS, "杭州市西湖区文三路90号", "南京市玄武区文三路90号", "different"},
	{ADDRESS, "", "南京市玄武区文三路90号", "missing"},

	{COMPANY, "示例（上海）科技有限责任公司", "上海示例科技有限公司", "exact"}, {COMPANY, "上海示例科技集团有限公司", "上海示例科技有限公司", "form"},
	{COMPANY, "示例科技有限公司", "上海示例科技有限公司", "no_region"}, {COMPANY, "上海世立科技有限公司", "上海示例科技有限公司", "homophone"},
	{COMPANY, "上海好示例科技有限公司", "上海好样例科技有限公司", "similar"}, {COMPANY, "上海示例科技有限公司", "示例", "short"},
	{COMPANY, "上海示例建工有限公司", "上海示例建筑工程有限公司", "short"}, {COMPANY, "上海示例科技有限公司", "上海示例食品有限公司", "brand"},
	{COMPANY, "上海示例科技有限公司", "北京示例科技有限公司", "region_conflict"},
	{COMPANY, "上海示例科技有限公司", "上海示例科技有限公司第一分公司", "branch_conflict"},
	{COMPANY, "上海示例科技有限公司", "上海美好食品有限公司", "different"},
};

static bool
share_key(const CrmMatchKind *kind, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	CrmMatchKey x[CRM_MATCH_KEY_MAX];
	CrmMatchKey y[CRM_MATCH_KEY_MAX];
	int			x_count = kind->keys(a, a_length, x, CRM_MATCH_KEY_MAX);
	int			y_count = kind->keys(b, b_length, y, CRM_MATCH_KEY_MAX);

	for (int i = 0; i < x_count; i++)
	{
		for (int j = 0; j < y_count; j++)
		{
			if (x[i].family == y[j].family && x[i].hash == y[j].hash)
				return true;
		}
	}
	return false;
}

/* Levels from the strongest down that must be found by some key. */
static bool
must_meet(const char *level)
{
	static const char *const found[] = {"exact", "homophone", "pinyin", "door", "form", "no_region", NULL};

	for (int i = 0; found[i] != NULL; i++)
	{
		if (strcmp(found[i], level) == 0)
			return true;
	}
	return false;
}

static void
test_pair(const Pair *pair)
{
	unsigned char a[CRM_MATCH_VALUE_MAX];
	unsigned char b[CRM_MATCH_VALUE_MAX];
	size_t		a_length = pair->kind->prepare(NULL, pair->a, strlen(pair->a), a, sizeof(a));
	size_t		b_length = pair->kind->prepare(NULL, pair->b, strlen(pair->b), b, sizeof(b));
	int			level = 0;
	int			back = 0;
	char		what[512];

	if (a_length > 0 && b_length > 0)
	{
		level = pair->kind->compare(NULL, a, a_length, b, b_length);
		back = pair->kind->compare(NULL, b, b_length, a, a_length);
	}
	snprintf(what, sizeof(what), "%s %s | %s: %s, not %s", pair->kind->name, pair->a, pair->b, pair->level,
			 pair->kind->level[level]);
	CHECK_AS(strcmp(pair->kind->level[level], pair->level) == 0 && back == level, what);
	if (must_meet(pair->level))
		CHECK_AS(share_key(pair->kind, a, a_length, b, b_length), what);
	if (strcmp(pair->level, "exact") == 0 && pair->kind->term(a, a_length, level) != 0)
		CHECK_AS(pair->kind->term(a, a_length, level) == pair->kind->term(b, b_length, level), what);
}

int
main(void)
{
	test_similarities();
	test_edits();
	test_against_model();
	test_long();
	test_pinyin();
	test_folds();
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		test_pair(&pairs[i]);
	return unit_done();
}
