# Proves: a physical standby shows the primary's masks with the key and *** without it,
# never an error; logical replication carries envelopes bit for bit, in the first copy and
# after it, to a server that needs no key; what decoding prints holds no mask; and of a posting
# that found its name taken it prints nothing, for by its key that is the entry of that name.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $primary = server('primary', streaming => 'logical');
$primary->start;
deploy($primary, 'crm');
import_sample($primary, 'crm');
my $view = 'SELECT * FROM crm.customer_view ORDER BY customer_code';

# -- physical -------------------------------------------------------------------------------

$primary->backup('base');
my %standby;
for my $name (qw(keyed keyless))
{
	$standby{$name} = PostgreSQL::Test::Cluster->new($name);
	$standby{$name}->init_from_backup($primary, 'base', has_streaming => 1);
}
$standby{keyless}->append_conf('postgresql.conf', "crm.key_file = ''");
$_->start for values %standby;
$primary->safe_psql('crm', q{SELECT crm.register_customer('{"kind": "organization", "name": "After the backup", "phone": "13800138000"}')});
$primary->wait_for_catchup($_) for values %standby;

my $shown = $primary->safe_psql('crm', $view);
cmp_ok(() = $shown =~ /\*\*/g, '>', 100, 'the primary shows masks');
same($standby{keyed}->safe_psql('crm', $view), $shown, 'a standby with the key shows the same ones');
is($standby{keyless}->safe_psql('crm', q{
	SELECT string_agg(DISTINCT v, ' ') FROM crm_data.contact_point p
	  JOIN crm_data.customer c ON c.customer_code = p.customer_code, unnest(ARRAY[p.phone::text, p.email::text]) v WHERE v IS NOT NULL}),
	'***', 'a standby without the key shows ***');
is($standby{keyless}->safe_psql('crm', 'SELECT count(*) FROM crm.customer_view'), customers($primary, 'crm'), 'and every customer');
same(data_of($standby{keyless}, 'crm'), data_of($primary, 'crm'), 'a dump of the standby holds the same envelopes');
fails_with($standby{keyed}, 'crm', '25006', q{SELECT crm.register_customer('{"kind": "group", "name": "On a standby"}')}, 'a standby refuses to write');
$standby{keyless}->stop;

# Promoted, it goes on with codes where the primary was.
my $last = $primary->safe_psql('crm', 'SELECT max(customer_code) FROM crm_data.customer');
$primary->stop;
$standby{keyed}->promote;
is($standby{keyed}->safe_psql('crm', qq{SELECT crm.register_customer('{"kind": "group", "name": "After the promotion"}') > '$last'}), 't', 'promoted, it registers customers under new codes');
$standby{keyed}->stop;

# -- logical -----------------------------------------------------------------------------------

$primary->start;
my @tables = map { "crm_data.$_" } qw(customer individual organization customer_group identity_document document_claim
	contact_point bank_account address purchase interaction points_account points_journal points_reversal);
my $subscriber = server('subscriber', streaming => 'logical', key => '');
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE DATABASE crm');
$subscriber->safe_psql('crm', 'SET client_min_messages = warning; CREATE EXTENSION crm CASCADE; CALL crm.deploy()');
$primary->safe_psql('crm', 'CREATE PUBLICATION customers FOR TABLE ' . join ', ', @tables);
$primary->safe_psql('crm', q{SELECT pg_create_logical_replication_slot('look', 'test_decoding')});
my $connection = $primary->connstr . ' dbname=crm';
# From 16 on changes are applied as the tables' owner, whom forced row security stops, unless told so.
my $as_owner = $subscriber->pg_version >= 16 ? 'WITH (run_as_owner = true)' : '';
$subscriber->safe_psql('crm', "CREATE SUBSCRIPTION customers CONNECTION '$connection' PUBLICATION customers $as_owner");
$subscriber->wait_for_subscription_sync($primary, 'customers', 'crm');

sub tables_of
{
	my ($node) = @_;
	my $data = data_of($node, 'crm');
	return join '', map { $data =~ /^(== \Q$_\E\n.*?)(?=^==)/ms ? $1 : "no $_\n" } @tables;
}
same(tables_of($subscriber), tables_of($primary), 'the first copy is identical, bit for bit');
unlike(tables_of($subscriber), qr/\*\*/, 'and holds no mask');

$primary->safe_psql('crm', q{
	SELECT crm.register_customer('{"kind": "individual", "name": "李替换", "phone": "13900139000", "email": "late@example.org"}');
	UPDATE crm_data.contact_point SET verified_at = '2026-01-02' WHERE phone IS NOT NULL;
	DELETE FROM crm_data.bank_account});
$primary->wait_for_catchup('customers');
same(tables_of($subscriber), tables_of($primary), 'so are inserts, updates and deletes after it');
is($subscriber->safe_psql('crm', 'SELECT string_agg(DISTINCT phone::text, $$ $$) FROM crm_data.contact_point WHERE phone IS NOT NULL'),
	'***', 'which the subscriber, without a key, shows as ***');

# New names, names that were taken, one of another programme, within a batch and in a row; each in a session that never met a taken one.
$primary->safe_psql('crm', "SELECT crm.define_points_programme('second', '第二', 'Second')");
my $op = sub { "ROW('$_[0]', date '2026-01-02', '$_[1]', 'CUST202601010001', NULL, '$_[2]', 5, NULL, NULL, NULL)" };
$primary->safe_psql('crm', $_) for ("SELECT crm.points_earn('CUST202601010001', 'main', 'first', 100, business_date => '2026-01-01')") x 2,
	'SELECT crm.points_post_batch(ARRAY[' . join(', ', $op->('a', 'earn', 'main'), $op->('b', 'redeem', 'main'), $op->('a', 'earn', 'main'), $op->('first', 'earn', 'second'), $op->('c', 'earn', 'second')) . ']::crm.points_op[])',
	"SELECT crm.points_reverse('CUST202601010001', 'main', 'back', 'b')";
is($primary->safe_psql('crm', q{SELECT string_agg(substring(data from 'points_journal: (\w+)') || ' ' || substring(data from 'request_id\[text\]:''([^'']*)'), ', ')
	FROM pg_logical_slot_peek_changes('look', NULL, NULL) WHERE data LIKE '%points_journal%'}), 'INSERT first, INSERT a, INSERT b, INSERT c, INSERT back', 'the log tells of each entry once, and of nothing that was taken back')
  and $primary->wait_for_catchup('customers');
same(tables_of($subscriber), tables_of($primary), 'so that points arrive as they are');

my $decoded = $primary->safe_psql('crm', q{SELECT data FROM pg_logical_slot_get_changes('look', NULL, NULL)});
cmp_ok(() = $decoded =~ /crm1:/g, '>', 10, 'decoding prints envelopes');
unlike($decoded, qr/\*\*|13900139000|李替换/, 'neither masks nor values');

done_testing();
