# fish completion for dkms and kmodsort: looks into the trees itself, starts no program.

function __kmodsort_modules
    for entry in /var/lib/dkms/*/*/source
        string replace -r '^/var/lib/dkms/(.*)/source$' '$1' -- $entry
    end
    for entry in /usr/src/*/dkms.conf
        string replace -r '^/usr/src/(.*)-([^-]*)/dkms.conf$' '$1/$2' -- $entry
    end
end

function __kmodsort_kernels
    for directory in /lib/modules/*/
        basename $directory
    end
end

for program in dkms kmodsort
    complete -c $program -f
    complete -c $program -s k -l kernelver -x -a '(__kmodsort_kernels)'
    complete -c $program -n 'not __fish_use_subcommand; and not __fish_seen_subcommand_from lint' -a '(__kmodsort_modules)'
end
complete -c kmodsort -n '__fish_seen_subcommand_from lint' -F
complete -c dkms -l templatekernel -x -a '(__kmodsort_kernels)'
complete -c dkms -n __fish_use_subcommand -a '@DKMS_ACTIONS@'
complete -c kmodsort -n __fish_use_subcommand -a '@KMODSORT_COMMANDS@'
for option in (string split ' ' -- '@DKMS_OPTIONS@' | string match -r '^--.*' | string replace -- -- '')
    complete -c dkms -l $option
end
for option in (string split ' ' -- '@KMODSORT_OPTIONS@' | string match -r '^--.*' | string replace -- -- '')
    complete -c kmodsort -l $option
end
