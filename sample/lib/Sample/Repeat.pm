package Sample::Repeat;

# Repeat: the same customer once more, written in another way.
#
# Either the document's number is the same (in lower case, in full-width
# characters, with spaces, in the 15 digits used until 1999), or there is no
# document and name and phone are the same.
use strict;
use warnings;

use Exporter 'import';

use Sample::Customer;
use Sample::Number;
use Sample::Place;
use Sample::Random;

our @EXPORT = qw(find_original repeat_customer);

use constant {
	TARGET => 4,
	REPEAT => 5,
	TRIES  => 12,
};

# Whether name and phone are to tell who it is, or else the document.
sub by_phone
{
	my ($line) = @_;
	return fingerprint(REPEAT, $line) % 100 < 35;
}

sub can_repeat
{
	my ($customer, $by_phone) = @_;
	return $customer->{kind} eq 'individual' && exists $customer->{_mobile} if $by_phone;
	return $customer->{document_kind} =~ /^(?:resident_id|uscc)$/;
}

# The earlier customer that the line repeats; nothing when the tries find none,
# as on the first lines.  is_plain tells which lines are left as they are.
sub find_original
{
	my ($line, $is_plain) = @_;
	return if $line < 2;
	start_stream(TARGET, $line);
	my @candidates = map { 1 + below($line - 1) } 1 .. TRIES;
	for my $candidate (@candidates)
	{
		next unless $is_plain->($candidate);
		my $customer = base_customer($candidate);
		return $customer if can_repeat($customer, by_phone($line));
	}
	return;
}

# The ways other than the plain one to write an identity number.
sub other_resident_forms
{
	my ($number) = @_;
	my @forms = (full_width($number), grouped(' ', $number, 6, 8, 4), grouped(' ', $number, 6, 4, 4, 4));
	push @forms, (lc $number) x 3 if $number =~ /X$/;

	# The old form has no century; 996 to 999 meant people born before 1900.
	push @forms, (substr($number, 0, 6) . substr($number, 8, 9)) x 2
		if $number =~ /^.{6}19/ && substr($number, 14, 3) < 996;
	return @forms;
}

sub other_number
{
	my ($customer) = @_;
	my $number = $customer->{document_number};
	return pick([ other_resident_forms($number) ]) if $customer->{document_kind} eq 'resident_id';
	return pick([ lc $number, full_width($number), grouped(' ', $number, 2, 6, 9, 1) ]);
}

# Fields that one clerk fills and the next does not.
sub forget_some
{
	my ($customer) = @_;
	for my $field (qw(sex birth_date occupation industry contact_name legal_representative))
	{
		$customer->{$field} = '' if chance(300);
	}
	$customer->{bank_card} = '';
	$customer->{email} = '' if $customer->{phone} ne '' && chance(500);
	$customer->{address} = '' if chance(250);
	return;
}

# Turn the customer of an earlier line into the one of this line; returns why
# the two are one.
sub repeat_customer
{
	my ($customer, $line) = @_;
	start_stream(REPEAT, $line);
	@$customer{qw(line external_id)} = ($line, external_id($line));
	forget_some($customer);
	if (by_phone($line))
	{
		@$customer{qw(document_kind document_number)} = ('', '');
		$customer->{phone} = written_mobile($customer->{_mobile});
		return qw(name:same phone:same);
	}
	$customer->{document_number} = other_number($customer);
	$customer->{phone} = written_mobile(new_mobile($line)) if chance(300);
	return 'document_number:same';
}

1;
