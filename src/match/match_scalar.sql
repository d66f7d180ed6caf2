-- Room match, for everybody: how alike two texts are, pinyin, and names in the form
-- in which they are compared. All of it depends on the arguments alone: no locale, no
-- setting. levenshtein is left to fuzzystrmatch, whose name it is.

CREATE FUNCTION crm.jaro_similarity(text, text) RETURNS double precision
    AS 'MODULE_PATHNAME', 'crm_jaro_similarity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.jaro_similarity(text, text) IS
$$How alike two texts are, 0 to 1, by the characters they share near the same place (Jaro 相似度).
Compares characters as they are: fold case and script first where they should not count. Two empty texts: 1. Errors: 54000 over 8,192 characters. Source: Jaro 1989.$$;

CREATE FUNCTION crm.jaro_winkler_similarity(text, text) RETURNS double precision
    AS 'MODULE_PATHNAME', 'crm_jaro_winkler_similarity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.jaro_winkler_similarity(text, text) IS
$$Jaro similarity that favours a common beginning, 0 to 1 (Jaro-Winkler 相似度).
Up to four characters of a common prefix count a tenth of the rest each, where Jaro is over 0.7: as DuckDB and rapidfuzz have it, on characters instead of bytes. Errors: 54000 over 8,192 characters. Source: Winkler 1990.$$;

CREATE FUNCTION crm.damerau_levenshtein(text, text) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_damerau_levenshtein_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.damerau_levenshtein(text, text) IS
$$The least number of insertions, deletions, substitutions and exchanges of neighbours that turn one text into the other (编辑距离).
The unrestricted distance: CA to ABC is 2, where the restricted one (optimal string alignment) says 3; DuckDB and Splink mean the same. Counts characters. Errors: 54000 over 8,192 characters. Source: Damerau 1964, Lowrance and Wagner 1975, Zhao and Sahni 2019.$$;

CREATE FUNCTION crm.jaccard_similarity(text, text) RETURNS double precision
    AS 'MODULE_PATHNAME', 'crm_jaccard_similarity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.jaccard_similarity(text, text) IS
$$Characters that both texts have over those that either has, 0 to 1 (Jaccard 相似系数).
Sets of characters, as DuckDB has it: order and repetition do not count. Two empty texts: 1. Errors: 54000 over 8,192 characters. Source: Jaccard 1901.$$;

CREATE FUNCTION crm.bigram_similarity(text, text) RETURNS double precision
    AS 'MODULE_PATHNAME', 'crm_bigram_similarity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bigram_similarity(text, text) IS
$$Pairs of neighbouring characters that both texts have over those that either has, 0 to 1 (二元组相似度).
For Chinese, where pg_trgm's three characters are more than most names have and where its answer depends on the locale. The beginning and the end count as a character, so texts of one character have two pairs. Sets: repetition does not count. Two empty texts: 1. Errors: 54000 over 8,192 characters. Source: Jaccard 1901 on bigrams.$$;

CREATE FUNCTION crm.pinyin(text, is_name boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pinyin_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.pinyin(text, boolean) IS
$$A text in toneless pinyin, one syllable a character, parted by spaces (拼音).
is_name: the text begins with a surname, which is read as one: 单 shan, 尉迟 yu chi. Traditional and variant characters are read as their simplified forms; what is no Chinese character stays. ü is written yu, as passports have it (GB/T 28039: 吕 lyu). Limits: one reading a character, no context; 3,500 and more characters of extensions B, F and later have none. Errors: 54000 over 64 MB. Source: ICU 72, Han-Latin and Han-Latin/Names (Unicode CLDR), with a list of surnames that it misreads.$$;

CREATE FUNCTION crm.pinyin_initials(text, is_name boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pinyin_initials_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.pinyin_initials(text, boolean) IS
$$First letters of a text's pinyin, in lower case: 张伟 zw (拼音首字母).
Of words in Latin letters the first letter; digits stay, all else is left out. is_name, errors and source as of crm.pinyin.$$;

CREATE FUNCTION crm.fold_name(text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_fold_name_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.fold_name(text) IS
$$A person's name in the form in which matching compares it (姓名匹配归一化).
Simplified script, variants (峯 as 峰), width, spaces, dots and brackets with what they hold are folded; titles (先生, 总, 老师, Mr) are left out, so 徐总 gives 徐; Latin is in lower case without marks. Null when nothing is left; the first 256 characters count. It never judges whether the text is a name: that is crm.norm_name. Source: OpenCC's table of simplified forms, a list of variants, Unicode's compatibility ideographs.$$;

CREATE FUNCTION crm.fold_company_name(text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_fold_company_name_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.fold_company_name(text) IS
$$A company's name in the form in which matching compares it: region by its full name, brand, industry, branch (企业名称匹配归一化).
示例（上海）科技有限责任公司 and 上海市示例科技公司 both give 上海市示例科技: the form is left out, the region stands in front wherever it was written. A branch (分公司, 办事处) stays, since it is another than its parent. Null when nothing is left; the first 480 bytes count. Limits: regions are provinces, cities and full names of counties. Source: the order of parts in 企业名称登记管理规定; GB/T 2260.$$;
