/*
 * match_cn_company_core.c: comparison kind cn_company_name.  The law builds a
 * company's name from region, brand (字号), industry and form, with the branch
 * behind it (企业名称登记管理规定); records leave parts out, and companies of one
 * brand in two regions, or a branch and its parent, are not the same.
 */
#include "ident/ident_core.h"
#include "ident/ident_division_core.h"
#include "match_cn_core.h"
#include "match_pinyin_core.h"
#include "match_text_core.h"

#define BRAND_POINTS 24
#define NAME_BYTES 480
#define TRADE_POINTS 10			/* characters of the industry that are compared */

typedef enum CompanyLevel
{
	COMPANY_MISSING,
	COMPANY_EXACT,
	COMPANY_FORM,
	COMPANY_NO_REGION,
	COMPANY_HOMOPHONE,
	COMPANY_SIMILAR,
	COMPANY_SHORT,
	COMPANY_BRAND,
	COMPANY_DIFFERENT,
	COMPANY_REGION_CONFLICT,
	COMPANY_BRANCH_CONFLICT
} CompanyLevel;

static const char *const company_level[] = {
	"missing", "exact", "form", "no_region", "homophone", "similar", "short", "brand",
	"different", "region_conflict", "branch_conflict", NULL
};

typedef enum CompanyFamily
{
	FAMILY_NAME,
	FAMILY_REGION,
	FAMILY_SOUND,
	FAMILY_BRAND
} CompanyFamily;

static const char *const company_family[] = {"name", "brand_region", "brand_sound", "brand", NULL};

/* Forms, as bits: 有限公司, 有限责任公司 and 公司 are one. */
#define FORM_COMPANY 1
#define FORM_STOCK 2
#define FORM_GROUP 4
#define FORM_OTHER 8

/* The prepared value; count pairs of character and syllable of the brand follow. */
typedef struct CompanyHead
{
	uint64_t	brand;
	uint64_t	sound;
	uint64_t	industry;		/* hash of all its words, 0 when there is none */
	uint64_t	branch;			/* 0 for the company itself */
	int32_t		region;			/* division, 0 when there is none */
	uint16_t	trade[TRADE_POINTS];	/* the industry's characters, ends with 0 */
	uint8_t		form;
	uint8_t		count;
	bool		latin;
} CompanyHead;

typedef struct BrandPoint
{
	uint32_t	point;
	uint16_t	syllable;
	uint16_t	soft;
} BrandPoint;

typedef struct Company
{
	CompanyHead head;
	BrandPoint	point[BRAND_POINTS];
} Company;

/* A word and its length, so that many can be tried at little cost. */
typedef struct Word
{
	const char *text;
	size_t		bytes;
} Word;

#define WORD(text) {text, sizeof(text) - 1}

/* A part of the name, as bytes. */
typedef struct Part
{
	const char *text;
	size_t		length;
} Part;

/* Words of forms, the longer ones first. */
typedef struct FormWord
{
	const char *word;
	int			form;
} FormWord;

static const FormWord form_word[] = {
	{"股份有限责任公司", FORM_COMPANY | FORM_STOCK}, {"集团股份有限公司", FORM_COMPANY | FORM_STOCK | FORM_GROUP},
	{"集团有限责任公司", FORM_COMPANY | FORM_GROUP}, {"股份有限公司", FORM_COMPANY | FORM_STOCK},
	{"有限责任公司", FORM_COMPANY}, {"集团有限公司", FORM_COMPANY | FORM_GROUP}, {"有限合伙企业", FORM_OTHER},
	{"股份合作公司", FORM_COMPANY | FORM_STOCK}, {"股份公司", FORM_COMPANY | FORM_STOCK}, {"集团公司", FORM_COMPANY | FORM_GROUP},
	{"有限公司", FORM_COMPANY}, {"责任公司", FORM_COMPANY}, {"合伙企业", FORM_OTHER}, {"有限合伙", FORM_OTHER},
	{"普通合伙", FORM_OTHER}, {"特殊普通合伙", FORM_OTHER}, {"个人独资", FORM_OTHER}, {"总公司", FORM_COMPANY},
	{"公司", FORM_COMPANY}, {"集团", FORM_GROUP}, {"股份", FORM_STOCK}, {"有限", FORM_COMPANY}, {NULL, 0}
};

static const char *const latin_form[] = {
	"coltd", "limited", "company", "incorporated", "corporation", "corp", "inc", "llc", "ltd", "gmbh", "plc",
	"co", "sa", "ag", "kk", NULL
};

/* Words that end the name of a branch. */
static const Word branch_word[] = {
	WORD("分公司"), WORD("子公司"), WORD("分行"), WORD("支行"), WORD("分店"), WORD("办事处"), WORD("代表处"), WORD("营业部"),
	WORD("营业厅"), WORD("营业所"), WORD("分厂"), WORD("分部"), WORD("分校"), WORD("分院"), WORD("分社"), WORD("分所"),
	WORD("分中心"), WORD("项目部"), WORD("门市部"), WORD("直营店"), WORD("专卖店"), WORD("旗舰店"), WORD("服务部"), WORD("联络处"), {NULL, 0}
};

/*
 * Words of industries, as names of companies use them (the groups of GB/T 4754).
 * The longer ones first; several may follow
 * each other: 网络 科技, 建筑 装饰 工程.
 */
static const Word industry_word[] = {
	WORD("会计师事务所"), WORD("供应链管理"), WORD("汽车零部件"), WORD("房地产开发"), WORD("房地产经纪"), WORD("新材料科技"), WORD("新能源科技"),
	WORD("国际旅行社"), WORD("进出口贸易"), WORD("律师事务所"), WORD("信息技术"), WORD("电子商务"), WORD("电子科技"), WORD("网络科技"),
	WORD("生物科技"), WORD("生物技术"), WORD("智能科技"), WORD("文化传媒"), WORD("文化传播"), WORD("文化发展"), WORD("农业发展"),
	WORD("农业科技"), WORD("教育咨询"), WORD("教育科技"), WORD("管理咨询"), WORD("商务咨询"), WORD("企业管理"), WORD("投资管理"),
	WORD("资产管理"), WORD("物业管理"), WORD("物业服务"), WORD("餐饮管理"), WORD("酒店管理"), WORD("餐饮服务"), WORD("商业管理"),
	WORD("工程管理"), WORD("健康管理"), WORD("医疗器械"), WORD("医疗科技"), WORD("医疗美容"), WORD("机械设备"), WORD("机电设备"),
	WORD("机械制造"), WORD("汽车销售"), WORD("汽车服务"), WORD("汽车贸易"), WORD("汽车租赁"), WORD("建筑工程"), WORD("建筑劳务"),
	WORD("建筑材料"), WORD("建筑安装"), WORD("建筑装饰"), WORD("装饰工程"), WORD("装饰设计"), WORD("装饰装修"), WORD("园林绿化"),
	WORD("园林景观"), WORD("市政工程"), WORD("环保科技"), WORD("环保工程"), WORD("环境科技"), WORD("环境工程"), WORD("国际贸易"),
	WORD("国际物流"), WORD("货运代理"), WORD("货物运输"), WORD("物流运输"), WORD("广告传媒"), WORD("广告设计"), WORD("广告传播"),
	WORD("展览展示"), WORD("会展服务"), WORD("人力资源"), WORD("劳务派遣"), WORD("融资租赁"), WORD("融资担保"), WORD("小额贷款"),
	WORD("商业保理"), WORD("私募基金"), WORD("股权投资"), WORD("创业投资"), WORD("证券投资"), WORD("数据科技"), WORD("数字科技"),
	WORD("软件开发"), WORD("软件科技"), WORD("科技发展"), WORD("技术开发"), WORD("技术服务"), WORD("保险经纪"), WORD("知识产权"),
	WORD("再生资源"), WORD("供应链"), WORD("房地产"), WORD("新材料"), WORD("新能源"), WORD("进出口"), WORD("大数据"), WORD("半导体"),
	WORD("旅行社"), WORD("钢结构"), WORD("摩托车"), WORD("大药房"), WORD("化妆品"), WORD("工艺品"), WORD("合作社"), WORD("工作室"),
	WORD("事务所"), WORD("研究院"), WORD("研究所"), WORD("门诊部"), WORD("幼儿园"), WORD("俱乐部"), WORD("经营部"), WORD("软件"),
	WORD("科技"), WORD("技术"), WORD("网络"), WORD("信息"), WORD("通信"), WORD("通讯"), WORD("电子"), WORD("电器"), WORD("电气"),
	WORD("电力"), WORD("电商"), WORD("电缆"), WORD("光电"), WORD("智能"), WORD("数码"), WORD("数据"), WORD("传媒"), WORD("传播"),
	WORD("文化"), WORD("影视"), WORD("广告"), WORD("设计"), WORD("策划"), WORD("会展"), WORD("展览"), WORD("教育"), WORD("培训"),
	WORD("咨询"), WORD("顾问"), WORD("管理"), WORD("投资"), WORD("控股"), WORD("实业"), WORD("产业"), WORD("企业"), WORD("商贸"),
	WORD("贸易"), WORD("经贸"), WORD("工贸"), WORD("商务"), WORD("商业"), WORD("零售"), WORD("批发"), WORD("百货"), WORD("超市"),
	WORD("连锁"), WORD("服装"), WORD("服饰"), WORD("纺织"), WORD("针织"), WORD("制衣"), WORD("鞋业"), WORD("皮革"), WORD("箱包"),
	WORD("家纺"), WORD("家居"), WORD("家具"), WORD("家电"), WORD("食品"), WORD("饮料"), WORD("粮油"), WORD("酒业"), WORD("茶业"),
	WORD("茶叶"), WORD("乳业"), WORD("餐饮"), WORD("酒店"), WORD("宾馆"), WORD("饭店"), WORD("旅游"), WORD("农业"), WORD("农牧"),
	WORD("牧业"), WORD("渔业"), WORD("水产"), WORD("养殖"), WORD("种业"), WORD("种植"), WORD("林业"), WORD("园林"), WORD("园艺"),
	WORD("生态"), WORD("环保"), WORD("环境"), WORD("化工"), WORD("化学"), WORD("涂料"), WORD("塑料"), WORD("塑胶"), WORD("橡胶"),
	WORD("玻璃"), WORD("陶瓷"), WORD("水泥"), WORD("建材"), WORD("钢铁"), WORD("金属"), WORD("五金"), WORD("铝业"), WORD("铜业"),
	WORD("矿业"), WORD("煤业"), WORD("能源"), WORD("石油"), WORD("石化"), WORD("燃气"), WORD("热力"), WORD("水务"), WORD("光伏"),
	WORD("电池"), WORD("机械"), WORD("机电"), WORD("设备"), WORD("装备"), WORD("仪器"), WORD("仪表"), WORD("模具"), WORD("制造"),
	WORD("汽车"), WORD("汽配"), WORD("船舶"), WORD("航空"), WORD("航运"), WORD("物流"), WORD("运输"), WORD("货运"), WORD("快递"),
	WORD("速递"), WORD("仓储"), WORD("包装"), WORD("印刷"), WORD("造纸"), WORD("纸业"), WORD("医药"), WORD("药业"), WORD("制药"),
	WORD("药房"), WORD("医疗"), WORD("生物"), WORD("健康"), WORD("养老"), WORD("美容"), WORD("美发"), WORD("日化"), WORD("保健"),
	WORD("体育"), WORD("健身"), WORD("娱乐"), WORD("游戏"), WORD("动漫"), WORD("玩具"), WORD("礼品"), WORD("珠宝"), WORD("首饰"),
	WORD("眼镜"), WORD("钟表"), WORD("置业"), WORD("地产"), WORD("物业"), WORD("房产"), WORD("建筑"), WORD("建设"), WORD("建工"),
	WORD("工程"), WORD("装饰"), WORD("装修"), WORD("装潢"), WORD("安装"), WORD("路桥"), WORD("市政"), WORD("消防"), WORD("安防"),
	WORD("保安"), WORD("保洁"), WORD("家政"), WORD("劳务"), WORD("服务"), WORD("租赁"), WORD("典当"), WORD("拍卖"), WORD("担保"),
	WORD("保险"), WORD("证券"), WORD("基金"), WORD("期货"), WORD("银行"), WORD("金融"), WORD("财务"), WORD("税务"), WORD("专利"),
	WORD("检测"), WORD("认证"), WORD("勘察"), WORD("测绘"), WORD("监理"), WORD("造价"), WORD("招标"), WORD("代理"), WORD("经纪"),
	WORD("中介"), WORD("销售"), WORD("营销"), WORD("发展"), WORD("开发"), WORD("经营"), WORD("加工"), WORD("维修"), WORD("回收"),
	WORD("资源"), WORD("医院"), WORD("诊所"), WORD("学校"), WORD("中心"), WORD("商行"), WORD("商店"), WORD("门市"), WORD("厂"), {NULL, 0}
};

static bool
ends_with(Part part, const char *word, size_t bytes)
{
	return bytes <= part.length && memcmp(part.text + part.length - bytes, word, bytes) == 0;
}

/* Bytes of the first of the words that the part ends with, else 0. */
static size_t
ends_with_any(Part part, const Word *words)
{
	const char *end = part.text + part.length;

	for (; words->text != NULL; words++)
	{
		if (words->bytes <= part.length && words->text[words->bytes - 1] == end[-1] &&
			memcmp(end - words->bytes, words->text, words->bytes) == 0)
			return words->bytes;
	}
	return 0;
}

/* Regions */

static bool
lies_in(int32_t code, int32_t above)
{
	if (above == 0 || code == above)
		return true;
	return above % 10000 == 0 ? code / 10000 == above / 10000 : above % 100 == 0 && code / 100 == above / 100;
}

/* What is written behind the stem of a division, 甘南州, or by mistake: 河南市. */
static const char *const region_kind[] = {"地区", "市", "省", "州", "盟", NULL};

/* Bytes of a division's short name at the front: its stem, or all but 自治州. */
static size_t
short_name(Part part, const char *name, size_t stem)
{
	const char *autonomous = strstr(name, "自治");
	size_t		bytes = autonomous == NULL ? 0 : (size_t) (autonomous - name);

	if (bytes < stem || bytes > part.length || memcmp(part.text, name, bytes) != 0)
		bytes = stem;
	if (bytes < 6 || bytes > part.length || memcmp(part.text, name, bytes) != 0)
		return 0;
	for (const char *const *kind = region_kind; *kind != NULL; kind++)
	{
		size_t		more = strlen(*kind);

		if (bytes + more <= part.length && memcmp(part.text + bytes, *kind, more) == 0)
			return bytes + more;
	}
	return bytes;
}

/*
 * Bytes of the division at the front of the text, the longest that lies in the one
 * above: any by its full name, provinces and cities by their stem too.  The stem of
 * a county is too often a brand.
 */
static size_t
region_at(Part part, int32_t above, int32_t *code)
{
	size_t		found = 0;
	size_t		key = 6;

	if (part.length < key || (unsigned char) part.text[0] < 0xE0 || (unsigned char) part.text[3] < 0xE0)
		return 0;
	for (int place = crm_division_name_from(part.text, key);; place++)
	{
		int			row = crm_division_by_name(place);
		const DivisionRow *here;
		const char *name;
		size_t		bytes;

		if (row < 0 || strncmp(crm_division_row_name(row), part.text, key) != 0)
			return found;
		here = crm_division_row_at(row);
		name = crm_division_row_name(row);
		bytes = strlen(name);
		if (bytes > part.length || memcmp(part.text, name, bytes) != 0)
		{
			bytes = here->code % 100 == 0 ? short_name(part, name, here->stem) : 0;
			if (bytes == 0)
				continue;
		}
		if (crm_division_row_old(row) || !lies_in(here->code, above) || bytes < found ||
			(bytes == found && here->code > *code))
			continue;
		found = bytes;
		*code = here->code;
	}
}

/* Take the region off the front, province then city then county. */
static void
take_region(Part *part, int32_t *region)
{
	for (int steps = 0; steps < 3; steps++)
	{
		int32_t		code = 0;
		size_t		bytes = region_at(*part, *region, &code);

		if (bytes == 0 || bytes + 3 > part->length)
			return;
		*region = code;
		part->text += bytes;
		part->length -= bytes;
	}
}

/* Take a region off the end, 示例科技上海, where brackets were left out. */
static void
take_last_region(Part *part, int32_t *region)
{
	for (size_t bytes = 24; bytes >= 6; bytes -= 3)
	{
		Part		end;
		int32_t		code = 0;

		if (bytes + 6 > part->length)
			continue;
		end.text = part->text + part->length - bytes;
		end.length = bytes;
		if (region_at(end, 0, &code) == bytes)
		{
			*region = code;
			part->length -= bytes;
			return;
		}
	}
}

/* Folding */

/* What a name is taken apart from: folded, and what stood in brackets. */
typedef struct Folded
{
	char		text[NAME_BYTES + 8];
	size_t		length;
	char		bracket[NAME_BYTES + 8];
	size_t		bracket_length;
} Folded;

static void
fold_company(const char *text, size_t length, Folded *folded)
{
	bool		inside = false;

	folded->length = folded->bracket_length = 0;
	for (size_t i = 0; i < length && folded->length < NAME_BYTES && folded->bracket_length < NAME_BYTES;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (bytes == 0)
			break;
		i += bytes;
		point = crm_match_fold(point);
		if (point == '(' || point == '[' || point == 0x3010)
			inside = true;
		else if (point == ')' || point == ']' || point == 0x3011)
			inside = false;
		else if (!(crm_is_han(point) || (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') ||
				   (point >= 0xC0 && point < 0x2000) || (point > 0x3040 && point < 0x3100) || point == '&'))
			continue;
		else if (inside)
			folded->bracket_length += crm_utf8_encode(point, folded->bracket + folded->bracket_length);
		else
			folded->length += crm_utf8_encode(point, folded->text + folded->length);
	}
}

/* Taking a name apart */

typedef struct Parts
{
	Part		brand;
	Part		industry;
	Part		branch;
	int32_t		region;
	int			form;
} Parts;

/* Where the branch begins that a word at the end tells of; it follows a 公司, or is 第N or a place. */
static size_t
branch_start(Part part, size_t word)
{
	size_t		end = part.length - word;

	for (size_t at = end; at >= 6; at--)
	{
		if (memcmp(part.text + at - 6, "公司", 6) == 0)
			return at;
	}
	for (size_t back = 6; back <= 12 && back <= end; back += 3)
	{
		if (memcmp(part.text + end - back, "第", 3) == 0)
			return end - back;
	}
	for (size_t back = 15; back >= 6; back -= 3)
	{
		Part		place = {part.text + end - back, back};
		int32_t		code = 0;

		if (back + 6 <= end && region_at(place, 0, &code) == back)
			return end - back;
	}
	return end;
}

static void
take_branch(Part *part, Part *branch)
{
	size_t		word = ends_with_any(*part, branch_word);
	size_t		start;

	if (word == 0 || part->length < word + 6)
		return;
	start = branch_start(*part, word);
	if (start < 6)
		return;
	branch->text = part->text + start;
	branch->length = part->length - start;
	part->length = start;
}

static void
take_form(Part *part, int *form)
{
	const FormWord *word = form_word;

	while (word->word != NULL)
	{
		size_t		bytes = strlen(word->word);

		if (!ends_with(*part, word->word, bytes) || part->length < bytes + 3)
		{
			word++;
			continue;
		}
		part->length -= bytes;
		*form |= word->form;
		word = form_word;
	}
	for (const char *const *latin = latin_form; *latin != NULL; latin++)
	{
		size_t		bytes = strlen(*latin);

		if (!ends_with(*part, *latin, bytes) || part->length < bytes + 3 ||
			(unsigned char) part->text[0] >= 0x80)
			continue;
		part->length -= bytes;
		*form |= FORM_COMPANY;
	}
}

/* Words of industries at the end, leaving at least one character for the brand. */
static void
take_industry(Part *part, Part *industry)
{
	size_t		whole = part->length;
	size_t		bytes;

	while ((bytes = ends_with_any(*part, industry_word)) > 0 && part->length >= bytes + 3)
		part->length -= bytes;
	/* One character is rarely a brand; then the first word was part of it. */
	if (part->length < 6 && whole > part->length)
	{
		Part		again = {part->text, whole};

		part->length = whole;
		bytes = ends_with_any(again, industry_word);
		if (whole - bytes >= 6)
			part->length = whole - bytes;
	}
	industry->text = part->text + part->length;
	industry->length = whole - part->length;
}

/* What a bracket says: a region, a form, or a branch. */
static void
read_bracket(Folded *folded, Parts *parts)
{
	Part		inside = {folded->bracket, folded->bracket_length};
	int32_t		code = 0;
	size_t		bytes = region_at(inside, 0, &code);

	if (bytes > 0 && bytes == inside.length)
		parts->region = code;
	else if (ends_with_any(inside, branch_word) > 0)
		parts->branch = inside;
	else if (ends_with(inside, "集团", 6))
		parts->form |= FORM_GROUP;
	else if (ends_with(inside, "合伙", 6))
		parts->form |= FORM_OTHER;
}

static bool
take_apart(Folded *folded, Parts *parts)
{
	Part		name = {folded->text, folded->length};
	Part		before;
	int32_t		region = 0;

	memset(parts, 0, sizeof(*parts));
	if (name.length > 6 && memcmp(name.text, "中国", 6) == 0)
	{
		name.text += 6;
		name.length -= 6;
	}
	if (folded->bracket_length > 0)
		read_bracket(folded, parts);
	take_branch(&name, &parts->branch);
	take_form(&name, &parts->form);
	before = name;
	take_region(&name, &region);
	if (region == 0 && parts->region == 0)
		take_last_region(&name, &region);
	take_industry(&name, &parts->industry);
	/* A region with no brand behind it was the brand: 海南科技. */
	if (region != 0 && ((parts->industry.length == 0 && name.length < 6) ||
						ends_with_any(name, industry_word) == name.length))
	{
		name = before;
		region = 0;
		take_industry(&name, &parts->industry);
	}
	if (parts->region == 0 || (region != 0 && lies_in(region, parts->region)))
		parts->region = region;
	parts->brand = name;
	return name.length > 0;
}

/* Preparing */

static uint64_t
hash_part(Part part, uint64_t seed)
{
	return part.length == 0 ? 0 : crm_match_hash(part.text, part.length, seed);
}

static void
trade_points(Part industry, uint16_t *trade)
{
	uint32_t	points[TRADE_POINTS - 1];
	size_t		count = crm_text_points(industry.text, industry.length, points, TRADE_POINTS - 1);

	for (size_t i = 0; i < count; i++)
		trade[i] = (uint16_t) points[i];
}

static void
brand_points(Part brand, Company *company)
{
	uint32_t	points[BRAND_POINTS];
	size_t		count = crm_text_points(brand.text, brand.length, points, BRAND_POINTS);
	uint64_t	sound = 13;

	company->head.count = (uint8_t) count;
	company->head.latin = true;
	for (size_t i = 0; i < count; i++)
	{
		int			syllable = crm_pinyin(points[i]);

		company->point[i].point = points[i];
		company->point[i].syllable = (uint16_t) syllable;
		company->point[i].soft = (uint16_t) crm_pinyin_soft(syllable);
		company->head.latin &= syllable == 0;
		sound = crm_match_mix(sound + (syllable != 0 ? (uint64_t) syllable : points[i] + 1000));
	}
	company->head.sound = sound;
}

static size_t
company_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	Folded		folded;
	Parts		parts;
	Company		company;
	size_t		bytes;

	(void) arg;
	fold_company(text, length, &folded);
	if (!take_apart(&folded, &parts))
		return 0;
	memset(&company.head, 0, sizeof(company.head));
	company.head.brand = hash_part(parts.brand, 1);
	company.head.industry = hash_part(parts.industry, 2);
	company.head.branch = hash_part(parts.branch, 3);
	trade_points(parts.industry, company.head.trade);
	company.head.region = parts.region;
	company.head.form = (uint8_t) parts.form;
	brand_points(parts.brand, &company);
	bytes = company.head.count * sizeof(BrandPoint);
	if (sizeof(CompanyHead) + bytes > room)
		return 0;
	memcpy(out, &company.head, sizeof(CompanyHead));
	memcpy(out + sizeof(CompanyHead), company.point, bytes);
	return sizeof(CompanyHead) + bytes;
}

/* Comparing */

typedef enum BrandNearness
{
	BRAND_SAME,
	BRAND_SOUND,
	BRAND_SIMILAR,
	BRAND_OTHER
} BrandNearness;

static BrandNearness
latin_nearness(const Company *a, const Company *b)
{
	uint32_t	x[BRAND_POINTS];
	uint32_t	y[BRAND_POINTS];

	for (int i = 0; i < a->head.count; i++)
		x[i] = a->point[i].point;
	for (int i = 0; i < b->head.count; i++)
		y[i] = b->point[i].point;
	return crm_jaro_winkler(x, a->head.count, y, b->head.count) >= 0.93 ? BRAND_SIMILAR : BRAND_OTHER;
}

/* Brands of one length: by sound, or all but one character the same. */
static BrandNearness
han_nearness(const Company *a, const Company *b)
{
	int			alike = 0;
	int			near = 0;

	if (a->head.count != b->head.count)
		return BRAND_OTHER;
	for (int i = 0; i < a->head.count; i++)
	{
		const BrandPoint *x = &a->point[i];
		const BrandPoint *y = &b->point[i];

		if (x->point == y->point)
			alike++;
		else if ((x->soft != 0 && x->soft == y->soft) || crm_look_alike(x->point, y->point))
			near++;
	}
	if (alike + near == a->head.count)
		return BRAND_SIMILAR;
	return alike == a->head.count - 1 && alike > 1 ? BRAND_SIMILAR : BRAND_OTHER;
}

static BrandNearness
brand_nearness(const Company *a, const Company *b)
{
	if (a->head.brand == b->head.brand)
		return BRAND_SAME;
	if (a->head.sound == b->head.sound)
		return BRAND_SOUND;
	return a->head.latin && b->head.latin ? latin_nearness(a, b) : han_nearness(a, b);
}

static bool
regions_agree(int32_t a, int32_t b)
{
	return a == 0 || b == 0 || lies_in(a, b) || lies_in(b, a);
}

/*
 * Whether two industries may be one: the same beginning, or the shorter an
 * abbreviation of the longer, as 建工 is of 建筑工程.  A missing one excludes none.
 */
static bool
trades_agree(const uint16_t *a, const uint16_t *b)
{
	size_t		a_at = 0;
	size_t		b_at = 0;

	if (a[0] == 0 || b[0] == 0 || (a[0] == b[0] && a[1] == b[1]))
		return true;
	for (size_t i = 0; b[i] != 0; i++)
		a_at += a[a_at] != 0 && a[a_at] == b[i];
	for (size_t i = 0; a[i] != 0; i++)
		b_at += b[b_at] != 0 && b[b_at] == a[i];
	return a[a_at] == 0 || b[b_at] == 0;
}

/* Brand and industry are the same: what is left is region and form. */
static CompanyLevel
compare_same(const CompanyHead *a, const CompanyHead *b)
{
	if ((a->region == 0) != (b->region == 0))
		return COMPANY_NO_REGION;
	return a->form == b->form ? COMPANY_EXACT : COMPANY_FORM;
}

static int
company_compare(const CrmMatchArg *arg, const unsigned char *left, size_t a_length,
				const unsigned char *right, size_t b_length)
{
	Company		a;
	Company		b;
	BrandNearness near;
	bool		trade;

	(void) arg;
	memcpy(&a.head, left, sizeof(CompanyHead));
	memcpy(&b.head, right, sizeof(CompanyHead));
	memcpy(a.point, left + sizeof(CompanyHead), a_length - sizeof(CompanyHead));
	memcpy(b.point, right + sizeof(CompanyHead), b_length - sizeof(CompanyHead));
	near = brand_nearness(&a, &b);
	if (near == BRAND_OTHER)
		return COMPANY_DIFFERENT;
	if (!regions_agree(a.head.region, b.head.region))
		return near == BRAND_SAME ? COMPANY_REGION_CONFLICT : COMPANY_DIFFERENT;
	trade = trades_agree(a.head.trade, b.head.trade);
	if (a.head.branch != b.head.branch)
		return near == BRAND_SIMILAR && !trade ? COMPANY_DIFFERENT : COMPANY_BRANCH_CONFLICT;
	if (near == BRAND_SAME && a.head.industry == b.head.industry)
		return compare_same(&a.head, &b.head);
	if (near == BRAND_SAME)
		return trade ? COMPANY_SHORT : COMPANY_BRAND;
	if (!trade)
		return COMPANY_DIFFERENT;
	return near == BRAND_SOUND ? COMPANY_HOMOPHONE : COMPANY_SIMILAR;
}

/* Terms and keys */

static uint64_t
company_term(const unsigned char *value, size_t length, int level)
{
	CompanyHead head;

	(void) length;
	memcpy(&head, value, sizeof(head));
	switch (level)
	{
		case COMPANY_EXACT:
		case COMPANY_FORM:
		case COMPANY_NO_REGION:
			return crm_match_mix(head.brand + head.industry) | 1;
		case COMPANY_HOMOPHONE:
			return head.sound;
		case COMPANY_SHORT:
		case COMPANY_BRAND:
			return head.brand;
		default:
			return 0;
	}
}

static int
company_keys(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	CompanyHead head;
	int			used = 0;

	(void) length;
	memcpy(&head, value, sizeof(head));
	used = crm_match_cn_key(key, used, room, FAMILY_NAME, crm_match_mix(head.brand + head.industry));
	if (head.region != 0)
		used = crm_match_cn_key(key, used, room, FAMILY_REGION, crm_match_mix(head.brand + (uint64_t) (head.region / 10000)));
	used = crm_match_cn_key(key, used, room, FAMILY_SOUND, crm_match_mix(head.sound + head.trade[0]));
	return crm_match_cn_key(key, used, room, FAMILY_BRAND, head.brand);
}

/* The folded name as SQL shows it: region, brand, industry and branch; forms are left out. */
size_t
crm_fold_company_name(const char *text, size_t length, char *out, size_t room)
{
	Folded		folded;
	Parts		parts;
	const char *region;
	size_t		used = 0;

	fold_company(text, length, &folded);
	if (!take_apart(&folded, &parts))
		return 0;
	region = parts.region == 0 ? "" : crm_division_name(parts.region);
	if (strlen(region) + parts.brand.length + parts.industry.length + parts.branch.length > room)
		return 0;
	memcpy(out, region, strlen(region));
	used = strlen(region);
	memcpy(out + used, parts.brand.text, parts.brand.length);
	used += parts.brand.length;
	memcpy(out + used, parts.industry.text, parts.industry.length);
	used += parts.industry.length;
	if (parts.branch.length > 0)
		memcpy(out + used, parts.branch.text, parts.branch.length);
	return used + parts.branch.length;
}

const CrmMatchKind crm_match_cn_company_name = {
	"cn_company_name", company_level, company_family, company_prepare, company_compare, company_term, company_keys
};
