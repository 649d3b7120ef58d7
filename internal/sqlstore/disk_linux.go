package sqlstore

import "syscall"

// onNetwork tells whether a path lies on a file system of another machine,
// where SQLite's locks can't be relied on.
func onNetwork(path string) bool {
	var fs syscall.Statfs_t
	if syscall.Statfs(path, &fs) != nil {
		return false
	}
	switch uint32(fs.Type) {
	case 0x6969, // NFS
		0xff534d42, 0xfe534d42, 0x517b, // CIFS, SMB2, SMB
		0x01021997, // 9P
		0x00c36400, // Ceph
		0x0bd00bd0, // Lustre
		0x5346414f: // AFS
		return true
	}
	return false
}
