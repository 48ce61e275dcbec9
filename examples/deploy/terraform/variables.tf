variable "name" {
  description = "What the database and everything around it are called"
  type        = string
  default     = "lanyard"
}

variable "vpc_id" {
  description = "The network of the replicas"
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two availability zones at least"
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "The standby is in another availability zone: name two subnets at least."
  }
}

variable "replica_security_group_ids" {
  description = "The security groups of the replicas: nobody else reaches the database"
  type        = list(string)
}

variable "engine_version" {
  description = "The version of PostgreSQL"
  type        = string
  default     = "17"
}

variable "instance_class" {
  description = "The machine; docs/scaling.md has the arithmetic"
  type        = string
  default     = "db.r7g.large"
}

variable "storage_gb" {
  description = "Gigabytes to begin with; it grows by itself up to ten times as many"
  type        = number
  default     = 100
}

variable "backup_days" {
  description = "Days for which the database can be brought back to any moment"
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "1 to 35 days."
  }
}

variable "kms_key_id" {
  description = "The key that the storage is encrypted with; the account's own, if it is null"
  type        = string
  default     = null
}

variable "password_version" {
  description = "Another number makes another password in the secret; ../database.sql gives it to the role"
  type        = number
  default     = 1
}
