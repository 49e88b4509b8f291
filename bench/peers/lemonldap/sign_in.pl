# Makes sessions as the portal does, and prints their ids. Arguments: the folder, how many.
use strict;
use warnings;
use Lemonldap::NG::Common::Session;

my ( $folder, $count ) = @ARGV;
my %options = (
    Directory      => "$folder/sessions",
    LockDirectory  => "$folder/lock",
    generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256',
);
for my $number ( 0 .. $count - 1 ) {
    my $person  = "person-$number";
    my $session = Lemonldap::NG::Common::Session->new( {
        storageModule        => 'Apache::Session::File',
        storageModuleOptions => \%options,
        kind                 => 'SSO',
        info                 => {
            uid                 => $person,
            _whatToTrace        => $person,
            mail                => "$person\@example.org",
            _utime              => time,
            _lastSeen           => time,
            authenticationLevel => 2,
        },
    } );
    die $session->error if $session->error;
    print $session->id, "\n";
}
