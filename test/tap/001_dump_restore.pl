# Proves: pg_dump and pg_restore, unmodified and in every mode, carry everything bit for
# bit: schema, envelopes, staged and rejected rows, settings, what a DBA added. No trigger
# fires, the target needs neither our roles nor our key, and whoever may not dump gets an
# error, never a file of masks. Tables that are members of an extension fail all of this.
use strict;
use warnings;
use File::Path qw(rmtree);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $dumps  = PostgreSQL::Test::Utils::tempdir();
my $source = server('source');
$source->start;
deploy($source, 'crm');
import_sample($source, 'crm');
# Staged rows and rejected ones travel too; so do settings.
stage_sample($source, 'crm');
$source->safe_psql('crm', q{
	SELECT crm.record_purchase(customer_code, 'order 1', '2026-01-02', 'tea', 2, 19.90) FROM crm_data.customer;
	SELECT crm.record_interaction(customer_code, '2026-01-02 10:00+08', 'phone', 'inbound', 'question') FROM crm_data.customer;
	-- merges halfway: a chain that stands, and one that was undone
	SELECT crm.points_earn(customer => customer_code, programme => 'main', request_id => 'r', amount => 10, expires_on => '2099-12-31')
	  FROM (SELECT customer_code FROM crm_data.individual ORDER BY customer_code LIMIT 4) c;
	SELECT crm.merge(c[1], c[2], '{"document": "survivor"}'), crm.merge(c[3], c[1], '{"document": "survivor", "name": "loser"}'),
	       crm.unmerge(crm.merge(c[3], c[4], '{"document": "survivor"}'), 'another person', true)
	  FROM (SELECT array_agg(customer_code ORDER BY customer_code) AS c FROM crm_data.individual) x;
	-- consents of merged records, refused since; a hold that stands
	SELECT crm.consent_grant(c[1], 'marketing', 'email', 'v1', evidence => 'form 1'), crm.consent_withdraw(c[2], 'marketing', 'sms'), crm.consent_deny(c[4]),
	       crm.legal_hold_place(c[1], 'lawsuit') FROM (SELECT array_agg(customer_code ORDER BY customer_code) AS c FROM crm_data.individual) x;
	-- what was posted to a merged code followed its survivor, and some has not yet
	SELECT crm.points_earn(customer => loser_code, programme => 'main', request_id => 'late', amount => 5, expires_on => '2099-12-31') FROM crm_data.merge WHERE undone_at IS NULL;
	SELECT crm.points_merge_follow_batch(10);
	SELECT crm.points_earn(customer => loser_code, programme => 'main', request_id => 'later', amount => 5, expires_on => '2099-12-31') FROM crm_data.merge WHERE undone_at IS NULL LIMIT 1;
	SELECT crm.mask_set('phone', 'public', 3::smallint, 2::smallint);
	-- a model with its results, classes, levels, quality, credit data; a gift batch, a reward, a rule
	CREATE ROLE modeller LOGIN IN ROLE crm_data_admin, crm_credit, crm_writer;
	CREATE ROLE approver LOGIN IN ROLE crm_data_admin, crm_credit, crm_writer;
	SET SESSION AUTHORIZATION modeller;
	SELECT crm.draft_score_model(crm.loyalty_template()), crm.draft_score_model(crm.credit_template('5C'));
	SELECT crm.propose_credit_policy('A', '2026-01-01', 1000, 100, 30, 0, 12);
	SELECT crm.open_points_gift_batch('spring', 'main', 'gift', 'spring', 1000, '2099-12-31', '2026-01-01');
	SELECT crm.define_points_reward('cup', 'main', '杯子', 'cup', 10), crm.define_points_rule('main', 'consumption', '2999-01-01', 'bill', 'consumption', 'amount');
	SET SESSION AUTHORIZATION approver;
	SELECT crm.approve_score_model(m, 1), crm.activate_score_model(m, 1) FROM unnest(ARRAY['loyalty', 'credit.5c']) m;
	SELECT crm.approve_credit_policy('A', '2026-01-01'), crm.approve_points_gift_batch('spring');
	SELECT crm.approve_points_draft(draft) FROM crm.points_draft;
	SELECT crm.points_stock('cup', 3), crm.define_points_redeem_rule('main', 500);
	SELECT crm.score_batch(c, 'loyalty', 1, '2026-02-01'), crm.score_batch(c, 'credit.5c', 1, '2026-02-01'), crm.churn_detect(c, '2026-02-01'),
	       crm.classify(c, 'activity', '2026-02-01'), crm.assess_level(c, 'star', '2099-02-01'), crm.quality_batch(c, '2026-02-01'),
	       crm.record_credit_data(c[1], 'credit_exposure', '{"as_of": "2026-01-15", "outstanding": 3, "source": "billing"}'),
	       crm.record_credit_data(c[1], 'ownership_share', '{"owner_no": 1, "owner_name": "Synthetic Holding", "percent": 60}'),
	       crm.give_points(c[1], 'gift 1', 'spring', 5), crm.judge(c[1], 'share', '0.5', 'a survey', '2099-12-31')
	  FROM crm.score_codes(NULL, 50) c;
	RESET SESSION AUTHORIZATION;
	-- a run of cleaning, applied: proposals with encrypted values and their digests
	UPDATE crm_data.individual SET birth_date = birth_date - 1 WHERE birth_date > '1900-01-01';
	SET SESSION AUTHORIZATION modeller;
	CALL crm.cleaning_preview(NULL, ARRAY['birth_date_by_identity']);
	SET SESSION AUTHORIZATION approver;
	SELECT crm.cleaning_approve(1, seen) FROM crm.cleaning_run;
	CALL crm.cleaning_apply(1);
	RESET SESSION AUTHORIZATION;
	-- what a DBA does to tables that are his
	ALTER TABLE crm_data.customer ADD COLUMN remark text DEFAULT 'none';
	CREATE INDEX customer_remark_idx ON crm_data.customer (remark);
	CREATE POLICY night_shift ON crm_data.customer FOR SELECT USING (remark = 'night');
	CREATE TABLE public.call_list (phone crm.phone PRIMARY KEY, called boolean DEFAULT false);
	INSERT INTO public.call_list SELECT phone FROM crm_data.contact_point WHERE phone IS NOT NULL ON CONFLICT DO NOTHING;
	CREATE TABLE public.fired (at_table text, what text);
	CREATE FUNCTION public.note_firing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
		AS $$ BEGIN INSERT INTO public.fired VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END $$;
	DO $$
	DECLARE t regclass;
	BEGIN
		FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r'
		          AND relnamespace::regnamespace::text IN ('crm', 'crm_data', 'crm_secure') AND relname <> 'mask_setting' LOOP
			EXECUTE format('CREATE TRIGGER note_firing AFTER INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION public.note_firing()', t);
		END LOOP;
	END $$});
my $schema = schema_of($source, 'crm');
my $data   = data_of($source, 'crm');

cmp_ok(customers($source, 'crm'), '>', 100, 'there are customers to dump');
is($source->safe_psql('crm', 'SELECT count(DISTINCT kind) FROM crm_data.customer'), 3, 'of all kinds');
cmp_ok($source->safe_psql('crm', 'SELECT count(*) FROM crm.customer_staging'), '>', 100, 'and staged rows');
cmp_ok($source->safe_psql('crm', 'SELECT count(*) FROM crm_data.import_reject'), '>', 5, 'and rejected ones');
cmp_ok(() = $data =~ /crm1:/g, '>', 1000, 'the picture of the data shows envelopes');
unlike($data =~ s/^== crm_data.field_policy.*?(?=^== )//msr, qr/\*\*/, 'and no mask');

for my $table (qw(score_bin score_result customer_class customer_level quality_score quality_issue cleaning_proposal credit_exposure points_gift_use points_merge consent_event legal_hold))
{
	cmp_ok($source->safe_psql('crm', "SELECT count(*) FROM crm_data.$table"), '>', 0, "there is something in $table");
}

# -- every mode, into a new database of the same server -------------------------------

my $restored = 0;

sub dump_as
{
	my ($node, $mode, @options) = @_;
	my $path = "$dumps/$mode";
	rmtree($path);
	runs($node, "$mode: dumps", 'pg_dump', '-d', $node->connstr('crm'), '-f', $path, @options);
	return $path;
}

sub restore_as
{
	my ($node, $mode, $path, @command) = @_;
	my $db = 'restored' . ++$restored;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	runs($node, "$mode: restores without an error", @command, '-d', $node->connstr($db), $command[0] eq 'psql' ? '-f' : (), $path)
		or return $db;
	same(schema_of($node, $db), $schema, "$mode: schema identical");
	same(data_of($node, $db), $data, "$mode: data identical, bit for bit; no trigger fired");
	return $db;
}

my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-1');
restore_as($source, 'plain', dump_as($source, 'plain'), @psql);
restore_as($source, '--inserts', dump_as($source, '--inserts', '--inserts'), @psql);
restore_as($source, '--column-inserts', dump_as($source, '--column-inserts', '--column-inserts'), @psql);
my $custom = dump_as($source, 'custom', '-Fc');
restore_as($source, 'custom', $custom, 'pg_restore', '-e', '--single-transaction');
my $directory = dump_as($source, 'directory -j2', '-Fd', '-j2');
my $db = restore_as($source, 'directory -j2', $directory, 'pg_restore', '-e', '-j4');

is($source->safe_psql($db, q{SELECT count(crm.unmerge(merge_id, 'after the restore')) FROM (SELECT merge_id FROM crm_data.merge WHERE undone_at IS NULL ORDER BY merge_id) m}),
	2, 'merges made before the dump are undone after the restore');
is($source->safe_psql($db, q{SELECT count(*) FROM crm_data.customer WHERE lifecycle_state = 'merged' OR golden IS NOT NULL}), 0, 'to the last');
# The restored database works, and what was planted to count does count.
$source->safe_psql($db, q{SELECT crm.register_customer('{"kind": "group", "name": "After the restore"}')});
cmp_ok($source->safe_psql($db, q{SELECT count(*) FROM public.fired WHERE at_table = 'customer' AND what = 'INSERT'}), '==', 1,
	'the counting trigger counts once the restore is over');
is($source->safe_psql($db, 'SELECT crm.mask_set($$phone$$, $$public$$, 0::smallint, 0::smallint)'), '', 'settings can be changed');
is($source->safe_psql($db, 'SELECT count(*) FROM crm.deploy_pending()'), '0', 'nothing is left to deploy');

# -- a fresh server: no roles of ours, no key ---------------------------------------------

my $keyless = server('keyless', key => '');
$keyless->start;
is($keyless->safe_psql('postgres', q{SELECT count(*) FROM pg_roles WHERE rolname LIKE 'crm\_%'}), '0', 'a fresh server has no role of ours');
restore_as($keyless, 'plain on a fresh server', "$dumps/plain", @psql);
$db = restore_as($keyless, 'directory -j4 on a fresh server', $directory, 'pg_restore', '-e', '-j4');
is($keyless->safe_psql($db, q{SELECT string_agg(DISTINCT phone::text, ' ') FROM crm_data.contact_point WHERE phone IS NOT NULL}),
	'***', 'without a key every value prints ***');
# Dumped there, it is still whole.
runs($keyless, 'a keyless server dumps', 'pg_dump', '-d', $keyless->connstr($db), '-Fc', '-f', "$dumps/second");
restore_as($source, 'dump of a dump', "$dumps/second", 'pg_restore', '-e', '--single-transaction');

# The key alone brings the values back.
my $masked = 'SELECT customer_code, phone, email FROM crm_data.contact_point ORDER BY 1, contact_no';
$keyless->append_conf('postgresql.conf', "crm.key_file = '" . $source->basedir . "/crm.key'");
$keyless->reload;
is($keyless->safe_psql($db, $masked), $source->safe_psql('crm', $masked), 'with the key the masks are the same');

# -- who may dump -----------------------------------------------------------------------------

$source->safe_psql('crm', q{
	CREATE ROLE curious LOGIN IN ROLE pg_read_all_data;
	CREATE ROLE bypasser LOGIN BYPASSRLS IN ROLE pg_read_all_data;
	CREATE ROLE reader LOGIN IN ROLE crm_reader;
	CREATE ROLE keeper LOGIN IN ROLE crm_backup});
for my $role (qw(curious bypasser reader))
{
	my ($out, $err);
	my $ok = IPC::Run::run([ 'pg_dump', '-U', $role, '-d', $source->connstr('crm') ], '>', \$out, '2>', \$err);
	ok(!$ok, "$role cannot dump");
	like($err, qr/permission denied|row-level security/, "$role is told why");
	ok(!grep(/\*\*/, $out =~ /FROM stdin;\n(.*?)^\\\.$/msg), "$role got no masks");
}
my ($rc, $out, $err) = $source->psql('crm', 'COPY crm_data.contact_point TO STDOUT', connstr => $source->connstr('crm') . ' user=bypasser');
like($err, qr/permission denied to dump personal data/, 'nor does COPY of a table write masks');
runs($source, 'a member of crm_backup dumps, although row security is forced on every table',
	'pg_dump', '-U', 'keeper', '--role=crm_backup', '-Fc', '-d', $source->connstr('crm'), '-f', "$dumps/keeper");
restore_as($source, 'dump by crm_backup', "$dumps/keeper", 'pg_restore', '-e', '--single-transaction');

done_testing();
