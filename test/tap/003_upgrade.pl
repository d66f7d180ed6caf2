# Proves: deploy() changes nothing the second time; a database of the version before comes
# to the next version by ALTER EXTENSION and deploy(), by a migration that is on record,
# with all its data; updated, fresh and restored databases are the same, object by object;
# and a library that does not fit the database's version is refused in both directions.
# The next version is made here: this checkout with one column more.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $top  = $CrmTest::top;
plan(skip_all => 'needs the private installation that tools/test makes in build/pg') unless -d "$top/build/pg";

my $work = PostgreSQL::Test::Utils::tempdir();
my ($version) = slurp_file("$top/crm.control") =~ /default_version = '([\d.]+)'/;
my $next = "$version.1";
(my $step = $next) =~ tr/./_/;

# -- the next version, in a copy ----------------------------------------------------------

my $installed = "$work/installed";
my $tree      = "$work/next";
my $change    = <<'SQL';
ALTER TABLE crm_data.customer ADD COLUMN greeting text;
COMMENT ON COLUMN crm_data.customer.greeting IS 'How the customer wants to be greeted (称呼).';
SQL
my $migration = <<"SQL";
CREATE PROCEDURE crm.migrate_party_to_$step() LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp AS \$\$
BEGIN
$change
    UPDATE crm_data.customer SET greeting = 'hello' WHERE kind = 'individual';
END
\$\$;
REVOKE EXECUTE ON PROCEDURE crm.migrate_party_to_$step() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE crm.migrate_party_to_$step() TO crm_owner;
COMMENT ON PROCEDURE crm.migrate_party_to_$step() IS 'A column more (升级步骤).';
SQL

sub make
{
	my (@arguments) = @_;
	my ($out, $err);
	# The objects are there already: only what knows the version is compiled again.
	IPC::Run::run([ 'make', '-s', '-C', $tree, '-o', 'crm.control', "EXTVERSION=$next", @arguments ], '>', \$out, '2>', \$err)
		or BAIL_OUT("make @arguments: $err");
	return;
}

system_or_bail('cp', '-a', "$top/build/pg", $installed);
system_or_bail('mkdir', $tree);
system_or_bail('cp', '-a', map({ "$top/$_" } qw(Makefile crm.control src tools crm.so)), $tree);
system_or_bail('mkdir', "$tree/upgrade");
system_or_bail('sed', '-i', "s/^default_version.*/default_version = '$next'/", "$tree/crm.control");
append_to_file("$tree/src/party/party.tables.sql", $change);
append_to_file("$tree/src/deploy/deploy.sql", $migration);
unlink glob "$tree/crm.so $tree/src/crm.o $tree/src/core/core.o";
make('all');
# As a release does it: what is new, and the changed bodies of what stays.
my ($party) = slurp_file("$tree/crm--$next.sql") =~ /^(CREATE PROCEDURE crm\."deploy_party"\(\).*?\$crm_body\$;\n)/ms
	or BAIL_OUT('no deploy_party()');
append_to_file("$tree/upgrade/crm--$version--$next.sql", $migration . $party =~ s/^CREATE/CREATE OR REPLACE/r);

# -- the version before, in use -------------------------------------------------------------

my $node = server('upgrade', install_path => "$installed/usr/lib/postgresql/$ENV{CRM_PG}");
$node->start;
is($node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'crm'}), $version, 'the version before is installed');
deploy($node, 'updated');
import_sample($node, 'updated');
my $schema = schema_of($node, 'updated');
my $data   = data_of($node, 'updated');

my ($rc, $out, $err) = $node->psql('updated', 'CALL crm.deploy()');
is($rc, 0, 'a second deploy() is no error');
like($err, qr/NOTICE:.*up to date/, 'and says that there is nothing to do');
same(schema_of($node, 'updated'), $schema, 'it changes no object');
same(data_of($node, 'updated'), $data, 'and no row');
my $dump = "$work/before.dump";
runs($node, 'the version before is dumped', 'pg_dump', '-Fc', '-d', $node->connstr('updated'), '-f', $dump);

# -- the next version arrives -------------------------------------------------------------------

my $library = "$installed/usr/lib/postgresql/$ENV{CRM_PG}/lib/crm.so";
system_or_bail('cp', $library, "$work/before.so");
make('install', "DESTDIR=$installed");
is($node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'crm'}), $next, 'the next version is installed');

fails_with($node, 'updated', '55000', 'CALL crm.deploy()', 'a library newer than the database is refused by deploy()');
is($node->safe_psql('updated', 'SELECT count(*) > 0 FROM crm.customer_view'), 't', 'while reading goes on');
$node->safe_psql('updated', 'ALTER EXTENSION crm UPDATE');
is($node->safe_psql('updated', q{SELECT string_agg(room || ' ' || version, ' ') FROM crm.deploy_pending()}), "party $next", 'one step is pending');
$node->safe_psql('updated', 'CALL crm.deploy()');
is($node->safe_psql('updated', q{SELECT string_agg(version, ' ' ORDER BY applied_at) FROM crm_data.schema_version WHERE room = 'party'}),
	"$version $next", 'the migration is on record');
is($node->safe_psql('updated', q{SELECT string_agg(DISTINCT kind || ' ' || coalesce(greeting, '-'), ', ' ORDER BY kind || ' ' || coalesce(greeting, '-')) FROM crm_data.customer}),
	'group -, individual hello, organization -', 'and did its work');
is($node->safe_psql('updated', 'SELECT count(*) FROM crm.deploy_pending()'), '0', 'nothing is pending any more');
my ($kept) = data_of($node, 'updated') =~ /^(== crm_data\.identity_document\n.*?)^==/ms;
my ($had)  = $data =~ /^(== crm_data\.identity_document\n.*?)^==/ms;
same($kept, $had, 'the data are what they were');
$node->safe_psql('updated', q{SELECT crm.register_customer('{"kind": "group", "name": "After the update"}')});

# -- fresh, updated and restored are the same ---------------------------------------------------

# What belongs to the extension, without numbers that differ from database to database.
my $members = q{
	SET search_path = '';
	SELECT pg_describe_object(d.classid, d.objid, 0) || coalesce(' ' || md5(concat_ws('|', p.prosrc, p.probin, p.provolatile, p.proparallel,
	       p.proisstrict, p.prosecdef, p.proleakproof, p.proconfig, p.proacl, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))), '')
	       || coalesce(' ' || obj_description(d.objid, d.classid::regclass::name), '')
	  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'crm'
	  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' ORDER BY 1};
$schema = schema_of($node, 'updated');
my $signature = $node->safe_psql('updated', $members);
cmp_ok(() = $signature =~ /\n/g, '>', 200, 'the extension has members to compare');

deploy($node, 'fresh');
same($node->safe_psql('fresh', $members), $signature, 'fresh: the extension is the same, member by member');
same(schema_of($node, 'fresh'), $schema, 'fresh: the schema is the same');

# A dump knows no version: it restores into the one that is installed.
$node->safe_psql('postgres', 'CREATE DATABASE restored');
runs($node, 'a dump of the version before restores into the next one', 'pg_restore', '-e', '--single-transaction', '-d', $node->connstr('restored'), $dump);
is($node->safe_psql('restored', q{SELECT string_agg(room || ' ' || version, ' ') FROM crm.deploy_pending()}), "party $next", 'restored: the step is pending');
$node->safe_psql('restored', 'CALL crm.deploy()');
same($node->safe_psql('restored', $members), $signature, 'restored: the extension is the same, member by member');
same(schema_of($node, 'restored'), $schema, 'restored: the schema is the same');

# -- a library from before under a database of the next version -----------------------------------

system_or_bail('cp', "$work/before.so", "$library.new");
rename "$library.new", $library or die;
fails_with($node, 'updated', '55000', 'CALL crm.deploy()', 'a library older than the database is refused by deploy()');

done_testing();
